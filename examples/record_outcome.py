"""Records an outcome and reads the simulation's score, with Python's standard library alone.

    python record_outcome.py SIMULATION_ID SCENARIO_ID SCORE
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request


def ask(query, variables):
    """The data of an operation that may be repeated: three attempts, after 1 and 2 seconds."""
    request = urllib.request.Request(
        os.environ["ARC_URL"],
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={
            "content-type": "application/json",
            "authorization": "Bearer " + os.environ["ARC_TOKEN"],
        },
    )
    for pause in (1, 2, None):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
                break
        except urllib.error.HTTPError as error:
            # A refusal says why, and is not repeated.
            if error.code not in (429, 502, 503, 504) or pause is None:
                sys.exit(error.read().decode())
        except (OSError, http.client.HTTPException):
            if pause is None:
                raise
        time.sleep(pause)
    if answer.get("errors"):
        sys.exit(answer["errors"][0]["message"])
    return answer["data"]


simulation_id, scenario_id, score = sys.argv[1:]

# The outcome's key follows from simulation, scenario and repetition: sent twice, it is stored once.
payload = ask(
    """mutation ($outcome: OutcomeInput!) {
      recordOutcome(input: { outcome: $outcome }) {
        receipt { status reason }
        errors { message }
      }
    }""",
    {
        "outcome": {
            "simulationId": simulation_id,
            "scenarioId": scenario_id,
            "status": "SUCCESS",
            "reliabilityScore": float(score),
            "trajectory": {"steps": ["asked", "answered"]},
        }
    },
)["recordOutcome"]
if payload["errors"]:
    sys.exit(payload["errors"][0]["message"])
if payload["receipt"]["status"] == "REJECTED":
    sys.exit(payload["receipt"]["reason"])
print(payload["receipt"]["status"])

simulation = ask(
    "query ($id: UUID!) { simulation(simulationId: $id) { currentScore completionPercent } }",
    {"id": simulation_id},
)["simulation"]
print(f"score {simulation['currentScore']}, {simulation['completionPercent']} % of the runs")
