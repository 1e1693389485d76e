"""The config a user writes: run, passes, outputs. Unknown keys are errors, with the nearest name.

from basalt.configuration import AnalyticsConfig, PassConfig, OutputTarget
"""

from basalt.configuration.models import AnalyticsConfig, OutputTarget, PassConfig, QualityCheckConfig, SideOutputConfig
from basalt.configuration.reading import read_config

__all__ = ["AnalyticsConfig", "OutputTarget", "PassConfig", "QualityCheckConfig", "SideOutputConfig", "read_config"]
