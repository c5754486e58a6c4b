"""Every error that reenact raises on purpose.

A message has four parts: what, found, expected, next. The command line prints it in one line and
exits with 1.
"""


class ReenactError(Exception):
    """Base of all errors that a user can act on."""


class ConfigError(ReenactError):
    """A configuration file or override cannot be used."""


class CheckpointError(ReenactError):
    """A weights file is missing, damaged, or belongs to another model."""


class TemplateError(ReenactError):
    """A motion template cannot be used with this model."""


class MediaError(ReenactError):
    """A picture or video cannot be read or written."""


class FaceNotFoundError(ReenactError):
    """A picture that must show a face shows none."""


class DataError(ReenactError):
    """A training or evaluation folder does not hold what it should."""


class WeightsError(ReenactError):
    """A third-party network is missing, refused by the licence policy, or has the wrong hash."""


class MissingWeightsError(WeightsError):
    """A third-party network is not there; some can do without it."""


class ProvenanceError(ReenactError):
    """A file cannot be signed, or its certificate cannot be used."""


class TrainingError(ReenactError):
    """Training cannot go on (for example, the loss is no longer finite)."""
