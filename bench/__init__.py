"""Is it fast and small? Ratios to a stock LangChain application on the same machine.

Every figure is one of two things measured in the same run, by turns, so that a slow or busy
machine slows both; the aims are on their ratio. Whether answers are good is for `evals/`.
"""
