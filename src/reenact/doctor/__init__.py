"""What this installation has, and what is wrong with it: nothing is changed or fetched."""

from reenact.doctor.device import Device, device_name
from reenact.doctor.files import File
from reenact.doctor.report import Report, examine

__all__ = ["Device", "File", "Report", "device_name", "examine"]
