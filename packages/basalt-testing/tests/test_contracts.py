"""The kernel's own source, target and executor keep the contracts that plugins inherit; so does the kit's first feed."""

from __future__ import annotations

import pytest

import basalt.core.plugin
import basalt.market.plugin
from basalt.core.executors.direct import DirectExecutor
from basalt.core.sources.lake import LakeSource
from basalt.core.targets.parquet import ParquetOptions, ParquetTarget
from basalt.market.tables import L2, MARKETSTATE
from basalt.testing import ExecutorContract, LakeSourceContract, Place, PluginContract, TargetContract


class TestLakeSource(LakeSourceContract):
    @pytest.fixture
    def opened(self):
        return lambda lake: LakeSource().configured({"lake": str(lake)})


class TestLakeSourceOfBooks(TestLakeSource):
    table = L2


class TestLakeSourceOfPhases(TestLakeSource):
    table = MARKETSTATE


class TestParquetTarget(TargetContract):
    @pytest.fixture
    def place(self, tmp_path):
        import polars as pl

        target = ParquetTarget()
        (tmp_path / "file").touch()
        options = ParquetOptions(path_template=f"{tmp_path}/{{datasetname}}/{{start_date}}.parquet")

        def read(slot):
            path = target.location(options, slot)
            return pl.read_parquet(path) if (tmp_path / path).exists() else None

        shared = ParquetOptions(path_template=f"{tmp_path}/{{datasetname}}.parquet")
        unwritable = ParquetOptions(path_template=f"{tmp_path}/file/{{start_date}}.parquet")
        return Place(target, options, shared, unwritable, read)


class TestDirectExecutor(ExecutorContract):
    @pytest.fixture
    def executor(self):
        return DirectExecutor(workers=2)


class TestCorePlugin(PluginContract):
    plugin = basalt.core.plugin


class TestMarketPlugin(PluginContract):
    plugin = basalt.market.plugin
