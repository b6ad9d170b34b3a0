"""When a check on values is answered: at once, or when a GPU is next waited for."""

import threading


class _AtOnce(threading.local):
    """Set by minigrad.debug(). No context variable: ops run their forwards in a context of their own."""

    value = False


at_once = _AtOnce()
