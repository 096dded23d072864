"""The yardstick of `api_load.py`: a route of FastAPI that returns a constant."""

import argparse
import json

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

BODY = json.dumps({"text": "x" * 1600}).encode()

app = FastAPI()


@app.get("/api/v1/prompts/{namespace}/{name}/resolve")
async def constant(namespace: str, name: str, selector: str) -> Response:  # noqa: ARG001
    return Response(BODY, media_type="application/json")


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(app, port=parser.parse_args().port, access_log=False, log_level="warning")
