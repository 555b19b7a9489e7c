"""The providers. To add one, write a file for it and add a line here."""

from tap_tiktok_following.providers.base import Provider
from tap_tiktok_following.providers.rapidapi import RapidAPI
from tap_tiktok_following.providers.research import Research

PROVIDERS: tuple[type[Provider], ...] = (Research, RapidAPI)

__all__ = ["PROVIDERS", "Provider", "RapidAPI", "Research"]
