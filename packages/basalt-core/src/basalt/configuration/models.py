"""Models of the config. Sections of modules, sources and targets are validated by what plugins offer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, PrivateAttr, ValidationError, model_validator

from basalt.core.catalog import catalog
from basalt.core.errors import ConfigError, ConflictingSettings, InvalidValue, UnknownName
from basalt.core.first_party import REPLACED, wheel_of_key

BatchFreq = Literal["D", "W", "2W", "M", "A"]


class Strict(BaseModel):
    """Base of all config models: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sectioned(BaseModel):
    """A model whose unknown keys are sections of plugins."""

    model_config = ConfigDict(extra="allow", frozen=True)

    _sections: dict[str, BaseModel] = PrivateAttr(default_factory=dict)

    def __getstate__(self) -> dict[Any, Any]:
        """Sections stay behind when a model travels: what a worker needs of them is in the plan."""
        return {**super().__getstate__(), "__pydantic_extra__": {}, "__pydantic_private__": {"_sections": {}}}

    def section(self, key: str) -> Any:
        """The validated section *key* of something that is used; its defaults when the config does not have it."""
        return self._sections[key]

    def _validate_sections(self, models: dict[str, type[BaseModel]], known: Iterator[str], needed: Collection[str]) -> None:
        """Validate what the config gives, and the defaults of the sections that are *needed*."""
        extra = dict(self.__pydantic_extra__ or {})
        for key in extra:
            if key not in models:
                raise _unknown_key(key, [*known, *models])
        for key, model in models.items():
            if key in extra or key in needed:
                self._sections[key] = _validated(model, extra.get(key, {}), key)


def _unknown_key(key: str, known: list[str]) -> UnknownName:
    wheel = wheel_of_key(key)
    if wheel:
        return UnknownName(f"unknown key {key!r}", where=key, hint=f"it comes with {wheel}: pip install {wheel}")
    if key.lower() in REPLACED:
        return UnknownName(f"the key {key!r} is gone", where=key, hint=REPLACED[key.lower()])
    return UnknownName.of("key", key, [each.upper() for each in known] if key.isupper() else known, where=key)


def _nested(model: type[BaseModel], value: object, where: str) -> object:
    """*value* as a *model*, so that its typed errors say where it stands; what pydantic refuses stays for pydantic to say."""
    if not isinstance(value, dict):
        return value
    try:
        return model.model_validate(value)
    except ValidationError:
        return value
    except ConfigError as problem:
        raise problem.located(where) from None


def _validated(model: type[BaseModel], value: object, key: str) -> BaseModel:
    from basalt.configuration.reading import as_config_error

    try:
        return model.model_validate(value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value)
    except ValidationError as problem:
        found = as_config_error(problem, model)
        raise (found.located(key) if key else found) from None


def _refuse_pass_keys(model: type[BaseModel], value: object, key: str) -> None:
    """Refuse keys of the pass inside a section of it, and say where they belong."""
    for name in value if isinstance(value, dict) else ():
        if name in PassConfig.model_fields and name not in model.model_fields:
            raise UnknownName(f"unknown key {name!r}", where=f"{key}.{name}", hint=f"{name} is the pass's own: write it beside {key}")


class OutputTarget(Sectioned):
    """A place for results: the type, and the options of that type.

    Attributes:
        type: Name of an output target, `parquet` by default.
    """

    type: str = Field("parquet", description="Name of an output target.")

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        offer = catalog().find("output_targets", self.type, where="type")
        self._sections["options"] = _validated(offer.load().Options, dict(self.__pydantic_extra__ or {}), "")
        return self

    @property
    def options(self) -> Any:
        """The options of the type, validated."""
        return self._sections["options"]


class SideOutputConfig(Strict):
    """A table that a module or preprocessor makes besides its main result."""

    description: str | None = Field(None, description="What the table holds.")
    materialize: Literal["auto", "always", "never"] = Field(
        "auto",
        description="always: written to the output target. auto: kept for the later passes that read it. never: like auto, and not listed as an output.",
    )
    context_key: str | None = Field(None, description="Name under which later passes read it, instead of <pass>:<name>.")


class QualityCheckConfig(Strict):
    """Checks on the rows of a pass, before they are written."""

    ENABLED: bool = Field(False, description="Run the checks.")
    null_rate_max: float = Field(0.2, ge=0, le=1, description="Highest share of nulls in a column.")
    ranges: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict, description="Column to lowest and highest value.")
    action: Literal["warn", "raise"] = Field("warn", description="What a finding does.")


class PassConfig(Sectioned):
    """One named query. Sections of its modules stand beside these fields: `trade_analytics: {…}`."""

    name: str = Field(description="Name under which later passes and outputs know it.", pattern=r"^[A-Za-z0-9_\-]+$")
    time_bucket_seconds: float = Field(60, ge=1e-9, allow_inf_nan=False, description="Length of a bucket.")
    time_bucket_anchor: Literal["end", "start"] = Field("end", description="Edge that labels a bucket.")
    time_bucket_closed: Literal["right", "left"] = Field("right", description="Edge that belongs to a bucket.")
    sort_keys: list[str] | None = Field(None, description="Order of the written rows; the pass's keys if unset.")
    batch_freq: BatchFreq | None = Field(None, description="Dates in one output, instead of the run's BATCH_FREQ.")
    modules: list[str] = Field(default_factory=list, description="Modules, in the order of their columns.")
    preprocess_modules: list[str] = Field(default_factory=list, description="Preprocessors run before the modules.")
    side_outputs: dict[str, SideOutputConfig] = Field(default_factory=dict, description="What happens to side tables.")
    side_output_namespace: str | None = Field(None, description="Prefix of side tables' names, instead of the pass's name.")
    output: OutputTarget | None = Field(None, description="Target of this pass, instead of the run's.")
    extra_outputs: list[OutputTarget] = Field(default_factory=list, description="Further targets that get the same rows.")
    timeline_mode: str = Field("sparse_digitised", description="Which buckets appear in the output.")
    module_inputs: dict[str, str | dict[str, str]] = Field(
        default_factory=dict, description="Module to the table it reads, or to {input: table}."
    )
    quality_checks: QualityCheckConfig | None = Field(None, description="Checks of this pass, instead of the run's.")

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = _with_extensions(values)
        if "output" in values:
            values["output"] = _nested(OutputTarget, values["output"], "output")
        if isinstance(values.get("extra_outputs"), list):
            values["extra_outputs"] = [
                _nested(OutputTarget, each, f"extra_outputs[{index}]") for index, each in enumerate(values["extra_outputs"])
            ]
        if values.get("timeline_mode") is None:
            values.pop("timeline_mode", None)
        asked_for = values.get("modules") or []
        if not isinstance(asked_for, list | tuple) or not all(isinstance(name, str) for name in asked_for):
            raise InvalidValue(f"modules is {asked_for!r}", where="modules", hint="give a list of names: modules: [trade]")
        modules = list(dict.fromkeys(asked_for))
        timelines = [name for name in modules if name in catalog().timelines]
        if timelines:
            asked = values.setdefault("timeline_mode", timelines[0])
            if {asked, *timelines} != {timelines[0]}:
                raise ConflictingSettings(
                    f"timeline_mode {asked!r} and the modules {timelines} exclude each other", where="modules", hint="keep one of them"
                )
        return {**values, "modules": [name for name in modules if name not in timelines]}

    @model_validator(mode="after")
    def _check(self) -> Self:
        shelf = catalog()
        needed = set()
        for field, kind in (("modules", "modules"), ("preprocess_modules", "preprocessors")):
            for index, name in enumerate(getattr(self, field)):
                needed.add(shelf.find(kind, name, where=f"{field}[{index}]").config_key)
        needed.add(shelf.find("timelines", self.timeline_mode, where="timeline_mode").config_key)
        models = _section_models()
        for key, value in (self.__pydantic_extra__ or {}).items():
            if key in models:
                _refuse_pass_keys(models[key], value, key)
        self._validate_sections(models, iter(PassConfig.model_fields), needed)
        for name in self.module_inputs:
            if name not in self.modules and name not in self.preprocess_modules:
                raise UnknownName.of(
                    "module",
                    name,
                    [*self.modules, *self.preprocess_modules],
                    where=f"module_inputs.{name}",
                    hint="module_inputs names modules of the same pass",
                )
        return self

    @property
    def enabled_preprocessors(self) -> tuple[str, ...]:
        """The preprocessors that are not switched off."""
        offered = catalog().preprocessors
        return tuple(name for name in self.preprocess_modules if getattr(self.section(offered[name].config_key), "ENABLED", True))

    @property
    def enabled_modules(self) -> tuple[str, ...]:
        """The modules that are not switched off."""
        modules = catalog().modules
        return tuple(name for name in self.modules if getattr(self.section(modules[name].config_key), "ENABLED", True))


def _with_extensions(values: dict[str, Any]) -> dict[str, Any]:
    """*values* with the entries of `extension_configs` beside the other sections."""
    extensions = values.get("extension_configs") or {}
    if not isinstance(extensions, dict):
        raise InvalidValue(
            "extension_configs is no mapping",
            where="extension_configs",
            hint="write sections by their key, or put them beside the other keys",
        )
    for key in extensions:
        if key in values:
            raise ConflictingSettings(f"{key} is given twice", where=f"extension_configs.{key}", hint="keep one of them")
    return {**{key: value for key, value in values.items() if key != "extension_configs"}, **extensions}


def _section_models() -> dict[str, type[BaseModel]]:
    """Config key to model of everything that a pass may configure.

    Sections of installed modules that the pass does not use are accepted: a config may switch a
    module on and off by its name alone.
    """
    shelf = catalog()
    models: dict[str, type[BaseModel]] = {each.config_key: each.config_model for each in shelf.modules.values() if each.config_key}
    models |= {each.config_key: each.config_model for each in shelf.preprocessors.values() if each.config_key}
    models |= {offer.config_key: offer.load().Options for offer in shelf.timelines.values() if offer.config_key}
    return models


class AnalyticsConfig(Sectioned):
    """A run. Keys may be written in lower or upper case."""

    start_date: date | None = Field(None, description="First day, inclusive.")
    end_date: date | None = Field(None, description="Last day, inclusive.")
    exclude_weekends: bool = Field(True, description="Leave Saturdays and Sundays out of a range; a single day is always run.")
    datasetname: str = Field("sample2d", description="Part of output names: <DATASETNAME>_<pass>.")
    universe: str | None = Field(None, description="Which listings: `mic=XLON`, `opol=…`, `index=…`; all of the source if unset.")
    passes: list[PassConfig] = Field(default_factory=list, description="Ordered passes.")
    data_source_path: list[str] = Field(
        default_factory=lambda: ["lake"], description="Sources; each day of a table comes from the first one that has it."
    )
    lake: str | None = Field(None, description="Root of the lake, a folder or a URL.")
    s3_storage_options: dict[str, str] = Field(default_factory=dict, description="Options of an object store (region, keys, endpoint).")
    output_target: OutputTarget = Field(default_factory=OutputTarget, description="Target of passes that have none of their own.")
    batch_freq: BatchFreq | None = Field("W", description="Dates in one output; None chooses by the length of the run.")
    skip_existing_output: bool = Field(False, description="Skip outputs that an earlier run with the same config and inputs wrote.")
    support_columns: bool = Field(False, description="Write numerators, denominators and other parts along with the values.")
    num_workers: int = Field(-1, ge=-1, description="Tasks at a time; -1 takes all cores.")
    memory_per_worker: float | None = Field(None, gt=0, description="Gigabytes a worker may use; an equal share of the machine if unset.")
    max_rows_per_table: dict[str, PositiveInt] = Field(default_factory=dict, description="Rows of a table in one batch.")
    max_listings_per_batch: int | None = Field(None, ge=1, description="Listings in one batch.")
    run_one_symbol_at_a_time: bool = Field(False, description="The same as max_listings_per_batch: 1.")
    max_retries: int = Field(2, ge=0, description="Further tries of a task that failed for a reason that may pass.")
    eager_execution: bool = Field(False, description="Compute with the in-memory engine instead of the streaming one.")
    missing_data: Literal["raise", "skip"] = Field("raise", description="What a file that is missing while others of its day exist does.")
    unsorted_input: Literal["sort", "raise"] = Field("sort", description="What rows out of their table's order do.")
    duplicate_rows: Literal["raise", "drop", "keep"] = Field("raise", description="What rows delivered twice do.")
    temp_dir: str | None = Field(None, description="Where parts wait for their commit; beside the ledger if unset.")
    quality_checks: QualityCheckConfig = Field(
        default_factory=QualityCheckConfig, description="Checks of passes that have none of their own."
    )

    @model_validator(mode="before")
    @classmethod
    def _lower(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        lowered: dict[str, Any] = {}
        known = {*cls.model_fields, *_run_sections()}
        for key, value in values.items():
            if not isinstance(key, str):
                raise InvalidValue(f"the key {key!r} is no text", where=str(key), hint="keys are names, such as START_DATE")
            name = key.lower() if key.isupper() and key.lower() in known else key
            if name in lowered:
                raise ConflictingSettings(f"{key} is given twice, in upper and in lower case", where=key, hint="keep one of them")
            lowered[name] = value
        if "output_target" in lowered:
            lowered["output_target"] = _nested(OutputTarget, lowered["output_target"], "OUTPUT_TARGET")
        if isinstance(lowered.get("passes"), list):
            lowered["passes"] = [_nested(PassConfig, each, f"PASSES[{index}]") for index, each in enumerate(lowered["passes"])]
        return lowered

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.start_date is None) != (self.end_date is None):
            raise ConflictingSettings("a run needs both START_DATE and END_DATE", where="START_DATE", hint="or one day: --date 2026-02-02")
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise InvalidValue(
                f"the run ends on {self.end_date}, before it starts on {self.start_date}", where="END_DATE", hint="swap the dates"
            )
        names = [each.name for each in self.passes]
        for index, name in enumerate(names):
            if name.lower() in (other.lower() for other in names[:index]):
                raise ConflictingSettings(
                    f"two passes are called {name!r}",
                    where=f"PASSES[{index}].name",
                    hint="give each pass a name of its own, not only in other case",
                )
        for index, name in enumerate(self.data_source_path):
            catalog().find("sources", name, where=f"DATA_SOURCE_PATH[{index}]")
        for name in self.max_rows_per_table:
            catalog().find("tables", name, where=f"MAX_ROWS_PER_TABLE.{name}")
        if self.num_workers == 0:
            raise InvalidValue("0 tasks at a time do nothing", where="NUM_WORKERS", hint="give 1 or more, or -1 for all cores")
        if not self.data_source_path:
            raise InvalidValue(
                "DATA_SOURCE_PATH is empty", where="DATA_SOURCE_PATH", hint="name a source, for example 'lake' or 'synthetic'"
            )
        self._validate_sections(_run_sections(), iter(AnalyticsConfig.model_fields), _run_sections())
        return self

    @property
    def listings_per_batch(self) -> int | None:
        """Most listings in one batch; None leaves it to the planner."""
        return 1 if self.run_one_symbol_at_a_time else self.max_listings_per_batch


def _run_sections() -> dict[str, type[BaseModel]]:
    shelf = catalog()
    offers = [*shelf.sources.values(), *shelf.executors.values()]
    return {offer.config_key: offer.load().Options for offer in offers if offer.config_key}


__all__ = ["AnalyticsConfig", "ConfigError", "OutputTarget", "PassConfig", "QualityCheckConfig", "SideOutputConfig"]
