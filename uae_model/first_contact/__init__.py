"""The first look at files of somebody else: what each column is, written as a configuration to be checked."""

from uae_model.first_contact.start import FirstSettings, write_first_settings

__all__ = ["FirstSettings", "write_first_settings"]
