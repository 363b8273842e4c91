"""The real models of the embedded profile, loaded once for all tests."""

import pytest

from pairgen.loading import LoadedModels, load_models
from pairgen.models import Parser
from tests.pairgen.samples import EMBEDDED


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> LoadedModels:
    return load_models(EMBEDDED, tmp_path_factory.mktemp("memory") / "scores.sqlite")


@pytest.fixture(scope="session")
def parser(models: LoadedModels) -> Parser:
    return models.parser
