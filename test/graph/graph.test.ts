import { describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

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
          simulationName status totalScenarios succeededScenarios failedScenarios completionPercent currentScore
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
        "succeededScenarios": 1,
        "totalCostUsd": 0.25,
        "totalScenarios": 4,
        "totalTokens": 10,
      }
    `)
  })
})

describe('a simulation that has ended', () => {
  const ENDS = [
    ['completeSimulation', {}, 'COMPLETED'],
    ['failSimulation', { errorMessage: 'Broke off.' }, 'FAILED'],
    ['cancelSimulation', {}, 'CANCELLED'],
  ] as const

  it.each(ENDS)('by %s has no open runs, and another’s stay open', async (mutation, more, status) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const other = await tenant.simulation(['a'])
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const { ended } = await tenant.data(
      `mutation ($input: ${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input!) {
        ended: ${mutation}(input: $input) {
          simulation { status failedScenarios runs { nodes { scenarioId status } } } errors { code }
        }
      }`,
      { input: { simulationId, ...more } },
    )
    expect(ended).toEqual({
      simulation: {
        status,
        failedScenarios: 0,
        runs: {
          nodes: [
            { scenarioId: 'a', status: 'SUCCESS' },
            { scenarioId: 'b', status: 'CANCELLED' },
            { scenarioId: 'c', status: 'CANCELLED' },
          ],
        },
      },
      errors: [],
    })
    const { open } = await tenant.data(
      '{ open: simulationScenarios(filter: {status: {in: [PENDING, RUNNING]}}) { nodes { simulationId } } }',
    )
    expect(open.nodes).toEqual([{ simulationId: other }])
  })

  it('keeps its result: the same end again is answered, another result is refused', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const end = async (result: object) =>
      (
        await tenant.data(
          `mutation ($input: CompleteSimulationInput!) {
            completeSimulation(input: $input) { simulation { overallScore } errors { code path } }
          }`,
          { input: { simulationId, result } },
        )
      ).completeSimulation
    const result = { overallScore: 0.5, totalCostUsd: 0.1234567, executionTimeMs: 10 }
    for (const same of [result, result, {}, { overallScore: 0.5 }]) {
      expect(await end(same)).toEqual({ simulation: { overallScore: 0.5 }, errors: [] })
    }
    for (const other of [{ overallScore: 0.7 }, { ...result, totalCostUsd: 1 }, { executionTimeMs: 11 }]) {
      expect(await end(other)).toMatchObject({
        errors: [{ code: 'SIMULATION_ENDED', path: ['result'] }],
      })
    }
    const { simulation } = await tenant.data(
      'query ($id: UUID!) { simulation(simulationId: $id) { overallScore } }',
      { id: simulationId },
    )
    expect(simulation).toEqual({ overallScore: 0.5 })
  })
})

it('a failure says how many others are the same', async () => {
  const tenant = arc.tenant()
  const scenarios = ['a', 'b', 'c', 'd']
  const simulationId = await tenant.simulation(scenarios)
  await tenant.record(
    scenarios.map((scenarioId, index) => ({
      simulationId,
      scenarioId,
      status: 'ERROR',
      error: index < 3 ? `KeyError: order ${index} is missing` : 'It is too late.',
    })),
  )
  const query = '{ failurePatterns { nodes { equalFailures } } }'
  const statements = await arc.statementsDuring(async () => {
    const { failurePatterns } = await tenant.data(query)
    expect(failurePatterns.nodes.map(({ equalFailures }: any) => equalFailures).sort()).toEqual([0, 2, 2, 2])
  })
  expect(statements.filter((text) => text.includes('equalFailures'))).toHaveLength(1)
})

describe('what hangs together', () => {
  it('is reached from either side', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const outcome = (scenarioId: string) => ({
      simulationId,
      scenarioId,
      status: 'ERROR',
      executionTime: '2026-03-01T00:00:00Z',
      toolUsage: [{ toolName: `tool of ${scenarioId}`, callCount: 1, successRate: 1 }],
      failurePatterns: [{ failureType: `fault of ${scenarioId}`, failureCategory: 'UNKNOWN' }],
    })
    await tenant.record([outcome('a'), outcome('b')])
    const elsewhere = await tenant.simulation(['c'])
    await tenant.record([{ ...outcome('c'), simulationId: elsewhere }])

    const faults = (...ids: string[]) => ({ nodes: ids.map((id) => ({ failureType: `fault of ${id}` })) })
    const tools = (...ids: string[]) => ({ nodes: ids.map((id) => ({ toolName: `tool of ${id}` })) })
    const tree = await tenant.data(`{
      scenarios(orderBy: {field: SCENARIO_ID}) { nodes {
        failurePatterns { nodes { failureType } } toolUsage { nodes { toolName } }
      } }
      configurations(orderBy: {field: CREATED_AT}) { nodes {
        toolAnalytics(orderBy: {field: TOOL_NAME}) { nodes { toolName } }
        latestVersion {
          outcomes { totalCount nodes { executionTime } }
          failurePatterns(orderBy: {field: FAILURE_TYPE}) { totalCount nodes { failureType } }
        }
      } }
      outcomes { nodes { outcomeId scenarioId run { scenarioId simulationId outcome { outcomeId } } } }
    }`)
    expect(tree.scenarios.nodes).toEqual(
      ['a', 'b', 'c'].map((id) => ({ failurePatterns: faults(id), toolUsage: tools(id) })),
    )
    expect(tree.configurations.nodes).toEqual(
      [['a', 'b'], ['c']].map((ids) => ({
        toolAnalytics: tools(...ids),
        latestVersion: {
          outcomes: {
            totalCount: ids.length,
            nodes: ids.map(() => ({ executionTime: '2026-03-01T00:00:00.000Z' })),
          },
          failurePatterns: { totalCount: ids.length, ...faults(...ids) },
        },
      })),
    )
    for (const { outcomeId, scenarioId, run } of tree.outcomes.nodes) {
      const ofRun = scenarioId === 'c' ? elsewhere : simulationId
      expect(run).toEqual({ scenarioId, simulationId: ofRun, outcome: { outcomeId } })
    }
  })

  it('leads from all error rates to their scenarios in one statement', async () => {
    const tenant = arc.tenant()
    const ids = Array.from({ length: 12 }, (_, index) => `s${index}`)
    const simulationId = await tenant.simulation(ids)
    await tenant.record(
      ids.map((scenarioId) => ({
        simulationId,
        scenarioId,
        status: 'ERROR',
        executionTime: '2026-03-01T00:00:00Z',
      })),
    )
    let nodes: { scenarioId: string; scenario: { taskPrompt: string } }[] = []
    const asked = await arc.statementsDuring(async () => {
      const { errorRates } = await tenant.data(
        `{ errorRates(filter: {executionTime: {gte: "2026-01-01T00:00:00Z"}, runs: {gte: 1}}) {
          nodes { scenarioId scenario { taskPrompt } }
        } }`,
      )
      nodes = errorRates.nodes
    })
    expect(nodes).toHaveLength(ids.length)
    for (const { scenarioId, scenario } of nodes)
      expect(scenario).toEqual({ taskPrompt: `Do ${scenarioId}.` })
    expect(asked.filter((text) => /scenarios/.test(text))).toHaveLength(1)
  })
})
