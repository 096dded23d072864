"""Settings: `PROMPTDB_*` environment variables over `promptdb.toml` or `[tool.promptdb]` in `pyproject.toml`."""

from promptdb.settings.app import MAX_ACTOR as MAX_ACTOR
from promptdb.settings.app import AppSettings as AppSettings
from promptdb.settings.app import load_settings as load_settings
from promptdb.settings.app import load_target as load_target
from promptdb.settings.files import CONFIG_FILE as CONFIG_FILE
from promptdb.settings.files import SETTINGS_FILES as SETTINGS_FILES
from promptdb.settings.files import settings_file as settings_file
from promptdb.settings.variables import PREFIX as PREFIX
from promptdb.settings.variables import TARGET_PREFIX as TARGET_PREFIX
from promptdb.settings.variables import unknown_variables as unknown_variables
from promptdb.settings.variables import variable_of as variable_of
