import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

// Room for three scenarios of a simulation that runs each twice.
const arc = useArc({ ARC_MAX_OPEN_RUNS_PER_TENANT: '6' })

/** The receipts of one call, in short. */
async function receiptsOf(tenant: Tenant, mutation: string, rows: string, input: object): Promise<unknown[]> {
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`
  const data = await tenant.data(
    `mutation ($input: ${type}!) {
      ${mutation}(input: $input) { receipts { index status code ${rows} } errors { code message } }
    }`,
    { input },
  )
  const { receipts, errors } = data[mutation]
  expect(errors).toEqual([])
  expect(receipts.map(({ index }: any) => index)).toEqual(receipts.map((_: unknown, place: number) => place))
  return receipts.map(({ status, code }: any) => code ?? status)
}

const results = (tenant: Tenant, simulationId: string, given: object[]) =>
  receiptsOf(tenant, 'recordScenarioResults', 'outcomeId', {
    simulationId,
    results: given.map((scenario, place) => ({
      scenario,
      trajectory: { status: 'success' },
      reliability_score: place / 10,
    })),
  })

it('a scenario’s prompt comes with any of its results', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
  for (const id of ['b', 'c']) {
    const scenarios = [{ id, task_prompt: 'Do it.' }, { id }]
    expect(await results(tenant, simulationId, id === 'b' ? scenarios : scenarios.reverse())).toEqual([
      'STORED',
      'STORED',
    ])
  }
})

it('a scenario for which there is no room, or which is deleted, costs no result of another', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
  await tenant.scenarios('gone')
  await tenant.data('mutation { deleteScenario(input: { scenarioId: "gone" }) { errors { code } } }')
  const scenarios = ['gone', 'a', 'b', 'c', 'd', 'c'].map((id) => ({ id, task_prompt: 'Do it.' }))
  expect(await results(tenant, simulationId, [...scenarios, { id: 'gone' }, { id: 'nowhere' }])).toEqual([
    'SCENARIO_DELETED',
    'STORED',
    'STORED',
    'STORED',
    'LIMIT_EXCEEDED',
    'STORED',
    'SCENARIO_DELETED',
    'SCENARIO_NOT_FOUND',
  ])
  const { receipts } = await tenant.record([{ simulationId, scenarioId: 'gone', status: 'SUCCESS' }])
  expect(receipts).toMatchObject([{ code: 'SCENARIO_DELETED', path: ['scenarioId'] }])
})

it('a scenario that is refused may come again in the call', async () => {
  const tenant = arc.tenant()
  const upsert = (scenarios: object[]) => receiptsOf(tenant, 'upsertScenarios', 'scenarioId', { scenarios })
  expect(
    await upsert([
      { scenarioId: 'a', name: 'first' },
      { scenarioId: 'a', name: 'second' },
      { scenarioId: 'a', taskPrompt: 'Do it.' },
      { scenarioId: 'a', taskPrompt: 'Do that.' },
      { scenarioId: 'a', name: 'last' },
      { scenarioId: 'b', taskPrompt: 'Do b.', difficultyLevel: 'HARD' },
    ]),
  ).toEqual(['INVALID_VALUE', 'INVALID_VALUE', 'STORED', 'INVALID_VALUE', 'INVALID_VALUE', 'STORED'])
  const { scenario } = await tenant.data('{ scenario(scenarioId: "a") { name taskPrompt revision } }')
  expect(scenario).toEqual({ name: 'a', taskPrompt: 'Do it.', revision: 1 })
})

it('an amendment that is refused may come again in the call', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  const { receipts } = await tenant.record([
    { simulationId, scenarioId: 'a', status: 'SUCCESS', promptTokens: 1, completionTokens: 1 },
  ])
  const { outcomeId } = receipts[0]
  const amendments = [
    { promptTokens: 2 ** 31 - 1 },
    { reliabilityScore: 2 },
    { costUsd: 1 },
    { costUsd: 2 },
  ].map((set) => ({ outcomeId, ...set }))
  expect(await receiptsOf(tenant, 'amendOutcomes', 'reason', { amendments })).toEqual([
    'INVALID_VALUE',
    'INVALID_VALUE',
    'AMENDED',
    'INVALID_VALUE',
  ])
  const { outcome } = await tenant.data(
    'query ($outcomeId: UUID!) { outcome(outcomeId: $outcomeId) { costUsd promptTokens } }',
    { outcomeId },
  )
  expect(outcome).toEqual({ costUsd: 1, promptTokens: 1 })
})
