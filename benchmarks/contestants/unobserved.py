"""What every contestant that uses FastAPI tells it: nobody reads telemetry here, so that it need not look for it."""

from fastapi.telemetry import TelemetryConfig

UNOBSERVED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
