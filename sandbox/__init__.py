"""A local server that simulates both providers and the token endpoint."""

from sandbox.endpoint import LoggedRequest
from sandbox.scenario import Fault, Scenario
from sandbox.server import Sandbox
from sandbox.world import Account, Clock, Follow, World

__all__ = [
    "Account",
    "Clock",
    "Fault",
    "Follow",
    "LoggedRequest",
    "Sandbox",
    "Scenario",
    "World",
]
