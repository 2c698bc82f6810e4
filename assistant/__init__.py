"""Footnote: answers patients' questions from reviewed texts, every statement footnoted."""
