"""The dashboard of examples/monitoring, held against the types that Grafana publishes of its own JSON."""

import copy
import json
import re
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import prometheus, timeseries, units
from grafana_foundation_sdk.models.dashboard import Dashboard

FILE = Path(__file__).resolve().parents[2] / "examples" / "monitoring" / "dashboard.json"
GIVEN = json.loads(FILE.read_text())
# An id of its own that no Grafana has given it yet; and how the variable's query is shown to whoever edits it, which newer
# types leave out.
NOT_TYPED = ["/id", "/templating/list/1/definition"]
UNITS = {getattr(units, name) for name in dir(units) if isinstance(getattr(units, name), str) and name[0].isupper()}

plugins.register_default_plugins()


def decoded(dashboard):
    return Dashboard.from_json(copy.deepcopy(dashboard))


def lost(before, after, path=""):
    """Where something is said before that is not said, or otherwise, after."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [at for key, value in before.items() for at in lost(value, after.get(key, ...), f"{path}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [at for index, value in enumerate(before) for at in lost(value, after[index], f"{path}/{index}")]
    return [] if type(before) is type(after) and before == after else [path]


def lost_by_grafana(dashboard):
    return lost(dashboard, json.loads(JSONEncoder().encode(decoded(dashboard))))


def panels():
    return [pytest.param(panel, id=panel.title) for panel in decoded(GIVEN).panels]


def test_grafana_knows_all_that_the_dashboard_says():
    assert lost_by_grafana(GIVEN) == NOT_TYPED


@pytest.mark.parametrize(
    ("at", "key"),
    [
        (lambda panel: panel, "datasources"),
        (lambda panel: panel["fieldConfig"]["defaults"], "units"),
        (lambda panel: panel["targets"][0], "query"),
        (lambda panel: panel["options"]["legend"], "shown"),
    ],
)
def test_a_word_that_grafana_does_not_know_is_noticed(at, key):
    dashboard = copy.deepcopy(GIVEN)
    at(dashboard["panels"][0])[key] = "wrong"
    (path,) = set(lost_by_grafana(dashboard)) - set(NOT_TYPED)
    assert path.startswith("/panels/0/") and path.endswith(f"/{key}")


@pytest.mark.parametrize("panel", panels())
def test_each_panel_asks_the_source_that_is_chosen_and_shows_what_it_gets(panel):
    assert panel.type_val == "timeseries" and isinstance(panel.options, timeseries.Options)
    assert panel.options.legend.show_legend, "its lines would have no names"
    assert panel.field_config.defaults.unit in UNITS
    assert panel.datasource.uid == "${datasource}"
    assert panel.targets
    for query in panel.targets:
        assert isinstance(query, prometheus.Dataquery)
        assert query.datasource.uid == "${datasource}" and query.datasource.type_val == "prometheus"
        assert query.expr and query.legend_format


@pytest.mark.parametrize("panel", panels())
def test_queries_use_no_variable_that_there_is_not_and_legends_no_label_that_is_summed_away(panel):
    known = {variable.name for variable in decoded(GIVEN).templating.list_val} | {"__rate_interval"}
    for query in panel.targets:
        assert set(re.findall(r"\$\{?(\w+)", query.expr)) <= known
        kept = re.search(r"\bby \(([^)]*)\)", query.expr)
        if kept:
            labels = set(re.findall(r"\w+", kept.group(1)))
            assert set(re.findall(r"\{\{(\w+)\}\}", query.legend_format)) <= labels


def test_panels_lie_side_by_side():
    taken = set()
    for panel in decoded(GIVEN).panels:
        place = panel.grid_pos
        assert place.x + place.w <= 24
        cells = {(x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)}
        assert not cells & taken, f"{panel.title} lies on another one"
        taken |= cells


def test_the_source_is_chosen_before_what_is_asked_of_it():
    source, *others = decoded(GIVEN).templating.list_val
    assert (source.name, source.type_val, source.query) == ("datasource", "datasource", "prometheus")
    assert all(variable.datasource.uid == "${datasource}" for variable in others)
