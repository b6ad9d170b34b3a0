"""When a check on values is answered: at once, or when a GPU is next waited for."""

from contextvars import ContextVar

at_once: ContextVar[bool] = ContextVar("at_once", default=False)  # set by minigrad.debug()
