"""The mistakes a user can mend. The command line shows each as one line and exits with 1."""


class ContrastPairsError(Exception):
    """Something the user can mend: the message says where, what was found, what is expected and the cure."""


class SourceError(ContrastPairsError):
    """A source cannot be read as a corpus."""


class RecipeError(ContrastPairsError):
    """A recipe holds mistakes; the message lists them all."""


class ModelError(ContrastPairsError):
    """A model spec is wrong, or the model it names is not installed."""


class SchemaError(ContrastPairsError):
    """A table does not hold what its schema states."""


class StoreError(ContrastPairsError):
    """A store, or a version in it, cannot be read or written."""


class RewriteError(ContrastPairsError):
    """Texts cannot be rewritten as asked."""


class FilterError(ContrastPairsError):
    """A filter is asked for that there is not, or a threshold that it cannot have."""


class OutputError(ContrastPairsError):
    """A table cannot be written where it was asked for."""


class TrainingError(ContrastPairsError):
    """A model cannot be trained or evaluated as asked."""


class ScheduleError(ContrastPairsError):
    """A rebuild cannot be scheduled as asked."""
