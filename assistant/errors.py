"""The two kinds of things that go wrong and have a remedy.

Everything else is a bug, and is caught only at the two edges (the pipeline's and HTTP's).
"""


class FootnoteError(Exception):
    """Something that the operator mends; the message says what, with the value, and how.

    Commands print it as one line and exit with 2.
    """


class RequestError(Exception):
    """Something that the client mends; HTTP turns it into a problem document with `status`.

    `wait` is the number of seconds after which the same request may be made again, 0 if never.
    """

    def __init__(self, status: int, detail: str, wait: int = 0) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.wait = wait
