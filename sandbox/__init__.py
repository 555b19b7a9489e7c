"""Both providers of the tap and the token endpoint as a local server, to test with."""

from sandbox.clock import Clock
from sandbox.endpoint import LoggedRequest
from sandbox.scenario import Fault, Scenario
from sandbox.server import Sandbox
from sandbox.story import Story
from sandbox.world import Account, Follow, World

__all__ = [
    "Account",
    "Clock",
    "Fault",
    "Follow",
    "LoggedRequest",
    "Sandbox",
    "Scenario",
    "Story",
    "World",
]
