"""What `tokctl refresh --watch --metrics` writes, as Prometheus reads it."""

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


@pytest.mark.smoke
def test_prometheus_reads_each_series_from_the_first_write_on(keyed):
    keyed.configure('[providers.acme]\napi_auth = "bearer"\n')
    odd = 'a "b" \\ c'
    for user, life in (("bot", []), (odd, ["--expires", "30d"])):
        keyed.succeed("login", "acme", "--user", user, "--token-stdin", *life, stdin="made-up-token")
    file = keyed.home / "tokctl.prom"
    service = keyed.start("refresh", "--watch", "--metrics", str(file))
    try:
        deadline = time.monotonic() + 30
        while not file.exists():
            assert time.monotonic() < deadline and service.poll() is None
            time.sleep(0.02)
        found = families(file.read_text())
    finally:
        service.terminate()
        service.communicate(timeout=30)
    assert {name: family.type for name, family in found.items()} == {
        "tokctl_refreshes": "counter",
        "tokctl_login_required": "gauge",
        "tokctl_next_expiry_timestamp_seconds": "gauge",
        "tokctl_last_cycle_timestamp_seconds": "gauge",
    }
    assert all(family.documentation for family in found.values())
    refreshes = {tuple(sorted(sample.labels.items())): sample.value
                 for sample in found["tokctl_refreshes"].samples}
    assert refreshes == {
        (("outcome", outcome), ("provider", "acme")): 0.0 for outcome in ("refreshed", "failed")
    }
    needed = {sample.labels["user"]: sample.value
              for sample in found["tokctl_login_required"].samples}
    assert needed == {"bot": 0.0, odd: 0.0}
    (end,) = found["tokctl_next_expiry_timestamp_seconds"].samples
    assert end.labels == {"provider": "acme"} and end.value > time.time()
    (cycle,) = found["tokctl_last_cycle_timestamp_seconds"].samples
    assert abs(cycle.value - time.time()) < 60
