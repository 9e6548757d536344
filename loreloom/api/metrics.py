"""What Prometheus reads. docs/metrics.md lists every name; a test holds the two together."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from loreloom.api.http.errors import ApiError, ErrorCode

# A second series for each counter says when it began: twice the page for what nobody asks.
disable_created_metrics()  # type: ignore[no-untyped-call]

ACT_BUCKETS = (0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "loreloom_http_requests",
            "Requests by route template, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "loreloom_http_request_seconds",
            "Seconds from a request to its answer's first byte.",
            ("route", "method"),
            registry=self.registry,
        )
        self.acts = Counter(
            "loreloom_acts",
            "Acts on quests by act and outcome (taken, refused, repeated, unanswered, gated).",
            ("act", "outcome"),
            registry=self.registry,
        )
        self.act_seconds = Histogram(
            "loreloom_act_seconds",
            "Seconds that an act waited for its workflow's answer.",
            ("act",),
            buckets=ACT_BUCKETS,
            registry=self.registry,
        )
        self.arc_acts = Counter(
            "loreloom_arc_acts",
            "Acts on arcs by act and outcome, as acts on quests; also contributions.",
            ("act", "outcome"),
            registry=self.registry,
        )
        self.arcs = Gauge(
            "loreloom_arcs",
            "Arcs by state, of the whole engine.",
            ("state",),
            registry=self.registry,
        )
        self.arc_beats = Gauge(
            "loreloom_arc_beats",
            "Beats that arcs have entered, by kind, of the whole engine.",
            ("kind",),
            registry=self.registry,
        )
        self.streams = Gauge(
            "loreloom_streams_open", "Chronicle streams open now.", registry=self.registry
        )
        self.started = Counter(
            "loreloom_workflows_started",
            "Workflows started, by type and by whom (request, sweep).",
            ("workflow", "by"),
            registry=self.registry,
        )
        self.sweeps = Counter(
            "loreloom_sweeps",
            "Sweeps for overdue starts and old idempotency keys, by outcome (done, failed).",
            ("outcome",),
            registry=self.registry,
        )

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def outcome_of(error: ApiError) -> str:
    """The outcome as which an act that is not taken is counted."""
    if error.code is ErrorCode.TOO_MANY_ACTS:
        return "gated"
    return "unanswered" if error.status >= 500 else "refused"
