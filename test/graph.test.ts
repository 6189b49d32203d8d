import { describe, expect, it } from 'vitest'
import { useArc } from './arc.ts'

const arc = useArc()

describe('a run from its start to its end', () => {
  it('is what the graph shows', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 2, name: 'first' })
    const { storedCount } = await tenant.record([
      {
        simulationId,
        scenarioId: 'a',
        status: 'SUCCESS',
        reliabilityScore: 1,
        costUsd: 0.25,
        tokensUsed: 10,
      },
      { simulationId, scenarioId: 'b', status: 'ERROR', reliabilityScore: 0, error: 'ValueError: no 17' },
    ])
    expect(storedCount).toBe(2)
    const { simulation } = await tenant.data(
      `query ($simulationId: UUID!) {
        simulation(simulationId: $simulationId) {
          simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore
          totalCostUsd totalTokens
          configVersion { model configuration { latestVersion { versionNumber } } }
          runs { totalCount nodes { scenarioId repetition status outcome { status } } }
          outcomes(orderBy: { field: RELIABILITY_SCORE, direction: DESC }) {
            totalCount
            nodes { scenario { taskPrompt } status failurePatterns { nodes { failureType failureCategory } } }
          }
        }
      }`,
      { simulationId },
    )
    expect(simulation).toMatchInlineSnapshot(`
      {
        "completedScenarios": 1,
        "completionPercent": 50,
        "configVersion": {
          "configuration": {
            "latestVersion": {
              "versionNumber": 1,
            },
          },
          "model": "gpt-4",
        },
        "currentScore": 0.5,
        "failedScenarios": 1,
        "outcomes": {
          "nodes": [
            {
              "failurePatterns": {
                "nodes": [],
              },
              "scenario": {
                "taskPrompt": "Do a.",
              },
              "status": "SUCCESS",
            },
            {
              "failurePatterns": {
                "nodes": [
                  {
                    "failureCategory": "UNKNOWN",
                    "failureType": "ValueError",
                  },
                ],
              },
              "scenario": {
                "taskPrompt": "Do b.",
              },
              "status": "ERROR",
            },
          ],
          "totalCount": 2,
        },
        "runs": {
          "nodes": [
            {
              "outcome": {
                "status": "SUCCESS",
              },
              "repetition": 1,
              "scenarioId": "a",
              "status": "SUCCESS",
            },
            {
              "outcome": null,
              "repetition": 2,
              "scenarioId": "a",
              "status": "PENDING",
            },
            {
              "outcome": {
                "status": "ERROR",
              },
              "repetition": 1,
              "scenarioId": "b",
              "status": "ERROR",
            },
            {
              "outcome": null,
              "repetition": 2,
              "scenarioId": "b",
              "status": "PENDING",
            },
          ],
          "totalCount": 4,
        },
        "simulationName": "first",
        "status": "RUNNING",
        "totalCostUsd": 0.25,
        "totalScenarios": 4,
        "totalTokens": 10,
      }
    `)
  })
})
