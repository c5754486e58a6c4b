"""What a photograph and a driving video leave to be wished for, said before any work."""

from reenact.advice.onlooker import Onlooker
from reenact.advice.rules import Advice, Plan, about_driving, about_source
from reenact.advice.sighting import Sighting, sight

__all__ = ["Advice", "Onlooker", "Plan", "Sighting", "about_driving", "about_source", "sight"]
