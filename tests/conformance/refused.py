"""How the model refuses."""


class RefusedError(Exception):
    """What the contract refuses; the text is the reason."""
