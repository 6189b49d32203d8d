import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()

async function outcomesOf(tenant: Tenant): Promise<Record<string, any>> {
  const { outcomes } = await tenant.data(`{
    outcomes { nodes {
      status reliabilityScore metrics errorCode errorCategory retryCount executionTime trajectory
      scenario { externalId taskPrompt }
      simulation { configVersion { model temperature configuration { name } } }
    } }
  }`)
  return Object.fromEntries(outcomes.nodes.map((node: any) => [node.scenario.externalId, node]))
}

it('the output of a benchmark adds up; a line that was cut off costs no other', async () => {
  const tenant = arc.tenant()
  const file = fixture('openhands/v0/output.jsonl')
  const { exitCode, output } = await importInto(arc, tenant, [file])
  expect(exitCode).toBe(1)
  expect(output).toContain(
    'rejected       1\n    line 4: It is not JSON: The text ends too early, within a string, in column 42.',
  )
  const totals = {
    records: 3,
    graded: 1,
    scores: 0,
    status: { SUCCESS: 1, ERROR: 1, TIMEOUT: 1 },
    scenarios: 3,
    models: ['acme/kite-5'],
    tokens: 1100,
    costUsd: 0.5,
    durationMs: 6000 + 1000,
    toolCalls: { execute_bash: 3, finish: 1 },
    failedCalls: 1,
  }
  expect(await graphTotals(tenant)).toEqual(totals)
  const outcomes = await outcomesOf(tenant)
  expect(outcomes['swe/kites__kite-1']).toMatchObject({
    status: 'SUCCESS',
    reliabilityScore: null,
    executionTime: '2025-02-01T10:00:06.500Z',
    scenario: { taskPrompt: 'It does not fly.' },
    simulation: {
      configVersion: { temperature: 0.25, configuration: { name: 'OpenHands CodeActAgent acme/kite-5' } },
    },
  })
  expect(outcomes['swe/kites__kite-3']).toMatchObject({ errorCode: 'RuntimeError', errorCategory: 'TIMEOUT' })
  expect((await importInto(arc, tenant, [file])).output).toContain('records        0 stored, 3 there already')
  expect(await graphTotals(tenant)).toEqual(totals)

  // A report of SWE-bench grades it like any other agent's run.
  const report = fixture('swe-bench/acme__kite-1.nightly.json')
  const refused = await importInto(arc, tenant, [report])
  expect(refused.output).toContain(
    'It grades a run of the model acme__kite-1, and those of its tasks are of acme/kite-5',
  )
  const { simulations } = await tenant.data('{ simulations { nodes { simulationId } } }')
  const graded = await importInto(arc, tenant, [report], { simulation: simulations.nodes[0].simulationId })
  expect(graded.output).toContain("the file names the model acme__kite-1; the simulation's is acme/kite-5")
  expect(await graphTotals(tenant)).toMatchObject({ graded: 3, scores: 1 })
})

it('the output of the agent SDK has its settings beside it', async () => {
  const tenant = arc.tenant()
  const { exitCode } = await importInto(arc, tenant, [fixture('openhands/v1')])
  expect(exitCode).toBe(0)
  expect(await graphTotals(tenant)).toEqual({
    records: 2,
    graded: 1,
    scores: 1,
    status: { SUCCESS: 1, ERROR: 1 },
    scenarios: 2,
    models: ['acme/kite-6'],
    tokens: 220,
    costUsd: 0.25,
    durationMs: 5000,
    toolCalls: { terminal: 1, browser: 1 },
    failedCalls: 1,
  })
  expect((await outcomesOf(tenant))['openhands/gaia/q-1']).toMatchObject({
    retryCount: 1,
    trajectory: {
      messages: [{ role: 'system' }, { role: 'user', content: 'What is 6 x 7?' }, {}, {}, {}, {}],
    },
  })
})

it.each([
  [{ resolved: false, error_eval: true }, null],
  [{ resolved: false, test_timeout: true }, null],
  [{ resolved: true, error_eval: true }, 1],
  [{ resolved: false, failed_apply_patch: true }, 0],
])('a report that says %j gives the score %s', async (report, reliabilityScore) => {
  const tenant = arc.tenant()
  const row = {
    instance_id: 'kites__kite-1',
    instruction: 'Fly.',
    test_result: { git_patch: 'diff', report },
    history: [],
    metrics: {},
  }
  const { exitCode } = await importInto(arc, tenant, [await folder.write('output.jsonl', row)])
  expect(exitCode).toBe(0)
  expect((await outcomesOf(tenant))['swe/kites__kite-1']).toMatchObject({
    reliabilityScore,
    status: reliabilityScore === 0 ? 'ERROR' : 'SUCCESS',
    metrics: { test_result: { report } },
  })
})
