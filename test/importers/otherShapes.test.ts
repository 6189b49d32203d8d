import { cp, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'
import { zipOf } from '../support/zipArchive.ts'

const arc = useArc()
const folder = useFolder()

/** Imports the file twice; the second time nothing is new. */
async function importTwice(
  path: string,
  records: number,
): Promise<{ tenant: Tenant; exitCode: number; output: string }> {
  const tenant = arc.tenant()
  const { exitCode, output } = await importInto(arc, tenant, [path])
  const totals = await graphTotals(tenant)
  expect(totals.records).toBe(records)
  const again = await importInto(arc, tenant, [path])
  expect(again.output).toMatch(/records {8}0 stored/)
  expect(await graphTotals(tenant)).toEqual(totals)
  return { tenant, exitCode, output }
}

async function outcomesOf(tenant: Tenant): Promise<any[]> {
  const { outcomes } = await tenant.data(`{
    outcomes { nodes {
      status reliabilityScore trajectory metrics toolUsage { nodes { toolName avgDurationMs successRate } }
      scenario { externalId taskPrompt } simulation { simulationName startedAt configVersion { temperature } }
    } }
  }`)
  return outcomes.nodes
}

it('mini-swe-agent with the Responses API', async () => {
  const { tenant, exitCode } = await importTwice(
    fixture('minisweagent/kites__kite-9/kites__kite-9.traj.json'),
    1,
  )
  expect(exitCode).toBe(0)
  expect(await graphTotals(tenant)).toMatchObject({
    status: { SUCCESS: 1 },
    tokens: 120 + 55 + 180,
    costUsd: 0.375,
    durationMs: 4000,
    toolCalls: { bash: 2 },
    failedCalls: 1,
  })
  const [outcome] = await outcomesOf(tenant)
  expect(outcome).toMatchObject({
    toolUsage: { nodes: [{ toolName: 'bash', avgDurationMs: 1500, successRate: 0.5 }] },
    scenario: { externalId: 'swe/kites__kite-9', taskPrompt: 'it does not fly' },
    simulation: { configVersion: { temperature: 0.5 } },
  })
  expect(outcome.trajectory.messages[2]).toMatchObject({
    role: 'assistant',
    content: 'Next.',
    tool_calls: [{ id: 'call_1', function: { name: 'bash' } }],
    output: [{ type: 'reasoning' }, {}, {}],
  })
})

it('promptfoo as JSON Lines, each result once', async () => {
  const { tenant, exitCode, output } = await importTwice(fixture('promptfoo-small.jsonl'), 4)
  expect(exitCode).toBe(1)
  expect(output).toContain('4 results stand in the file once more')
  expect(output).toContain('line 9: It is not JSON')
  expect(await graphTotals(tenant)).toMatchObject({
    graded: 4,
    scores: 3.25,
    status: { SUCCESS: 3, ERROR: 1 },
    scenarios: 2,
    models: ['acme:kite-1', 'acme:kite-2'],
    tokens: 40,
    costUsd: 0.004,
  })
  const { simulations } = await tenant.data('{ simulations { totalCount } }')
  expect(simulations.totalCount).toBe(2)
})

it('one result of promptfoo alone in a file of JSON Lines', async () => {
  const result = {
    testIdx: 0,
    promptIdx: 0,
    provider: 'm-1',
    prompt: { raw: 'Fly.' },
    vars: {},
    success: true,
    score: 1,
  }
  await importTwice(await folder.write('one.jsonl', `${JSON.stringify(result)}\n`), 1)
})

it('a folder of tau2-bench, by each of its files, with a voice run', async () => {
  for (const path of ['tau2dir', 'tau2dir/results.json', 'tau2dir/simulations/sim-2.json']) {
    const { tenant, exitCode, output } = await importTwice(fixture(path), 3)
    expect(exitCode).toBe(0)
    expect(output).toContain('1 simulations of the index are in no file of the folder')
    expect(await graphTotals(tenant)).toEqual({
      records: 3,
      graded: 3,
      scores: 1,
      status: { SUCCESS: 1, ERROR: 2 },
      scenarios: 3,
      models: ['acme/kite-8'],
      tokens: 12 + 12 + 330,
      costUsd: 0.125 + 0.125 + 0.5,
      durationMs: 30_000,
      toolCalls: { look_up: 1 },
      failedCalls: 1,
    })
    const voice = (await outcomesOf(tenant)).find(({ scenario }) => scenario.externalId === 'tau2/kites/2')
    expect(voice.trajectory.messages.map(({ role, content }: any) => [role, content])).toEqual([
      ['user', 'My kite fell.'],
      ['assistant', ''],
      ['tool', 'gone'],
      ['assistant', 'I see.'],
    ])
    expect(voice.toolUsage.nodes).toEqual([{ toolName: 'look_up', avgDurationMs: 1500, successRate: 0 }])
  }
})

it('a simulation of tau2-bench without the file above it', async () => {
  await mkdir(dirname(folder.path('alone/simulations/sim-1.json')), { recursive: true })
  await cp(fixture('tau2dir/simulations/sim-1.json'), folder.path('alone/simulations/sim-1.json'))
  const { tenant } = await importTwice(folder.path('alone/simulations/sim-1.json'), 1)
  expect(await graphTotals(tenant)).toMatchObject({ scores: 1, models: ['unknown'], tokens: 12 })
})

it('a bare list of simulations of tau2-bench, and one that says in its own words what was run', async () => {
  const list = await importTwice(fixture('tau2bench-list.json'), 2)
  expect(list.exitCode).toBe(0)
  expect(await graphTotals(list.tenant)).toMatchObject({
    graded: 2,
    scores: 1,
    models: ['unknown'],
    costUsd: 0.25,
  })
  const said = await importTwice(fixture('tau2bench-without-info.json'), 2)
  expect(await graphTotals(said.tenant)).toMatchObject({ graded: 2, scores: 1, models: ['acme/kite-9'] })
  const [outcome] = await outcomesOf(said.tenant)
  expect(outcome).toMatchObject({
    scenario: { externalId: expect.stringMatching(/^tau2\/kites\//) },
    simulation: { simulationName: 'tau2-bench kites acme/kite-9' },
  })
})

it('samples of Inspect in pieces, beside one in one piece; pieces that are missing cost no other', async () => {
  const json = (name: string, content: unknown) => ({ name, content: JSON.stringify(content) })
  const sample = (id: number, more: object) => ({
    id,
    epoch: 1,
    input: 'Fly.',
    target: 'up',
    scores: { match: { value: 'C' } },
    model_usage: { 'm-1': { input_tokens: 10, output_tokens: 2, total_tokens: 12 } },
    started_at: '2026-08-21T10:00:01+00:00',
    completed_at: '2026-08-21T10:00:05+00:00',
    total_time: 4,
    uuid: `u${id}`,
    ...more,
  })
  const at = (id: number, piece: string) => `samples/${id}_epoch_1/${piece}`
  const message = (role: string, content: string) => ({ role, content })
  const tool = (uuid: string) => ({
    event: 'tool',
    uuid,
    timestamp: '2026-08-21T10:00:02+00:00',
    function: 'calc',
    arguments: {},
  })
  const path = await folder.write(
    'chunked.eval',
    zipOf([
      json('header.json', {
        version: 2,
        status: 'success',
        eval: { run_id: 'r1', task: 'kites', task_id: 't', model: 'm-1' },
        plan: {},
      }),
      json(at(1, 'events/stats.json'), { version: 1, chunks: [] }),
      json(at(1, 'events/uuids.json'), ['a', 'b']),
      json(at(1, 'events/1.json'), [{ event: 'model', uuid: 'b', input_refs: [[0, 1]] }]),
      json(at(1, 'events/0.json'), [tool('a')]),
      json(at(1, 'skeleton.json'), { version: 1, spans: [] }),
      json(at(1, 'messages/2.json'), [message('assistant', 'attachment://1')]),
      json(at(1, 'messages/0.json'), [message('user', 'Fly.'), message('user', 'In vain.')]),
      json(at(1, 'attachments/0.json'), ['not this']),
      json(at(1, 'attachments/1.json'), ['up, at length']),
      json(at(1, 'metadata.json'), { colour: 'red' }),
      json(
        at(1, 'sample.json'),
        sample(1, {
          message_refs: [
            [0, 1],
            [2, 3],
          ],
        }),
      ),
      json(at(2, 'messages/5.json'), [message('user', 'Cut off.')]),
      json(at(2, 'sample.json'), sample(2, { message_refs: [[5, 6]] })),
      json(at(4, 'skeleton.json'), { version: 1, spans: [] }),
      json(at(4, 'messages/0.json'), [message('user', 'Fly.')]),
      json(at(4, 'events/0.json'), []),
      json('samples/3_epoch_1.json', sample(3, { messages: [message('user', 'Fly.')], events: [] })),
    ]),
  )
  const { tenant, exitCode, output } = await importTwice(path, 2)
  expect(exitCode).toBe(1)
  expect(output).toContain('1 sample is in pieces that are not all there yet: samples/4_epoch_1/')
  expect(output.match(/rejected +\d+/g)).toEqual(['rejected       1'])
  expect(output).toContain(
    'samples/2_epoch_1/sample.json: Its pieces do not fit together: samples/2_epoch_1/messages/5.json begins at 5, not at 0.',
  )
  expect(await graphTotals(tenant)).toMatchObject({
    graded: 2,
    scores: 2,
    tokens: 24,
    durationMs: 8000,
    toolCalls: { calc: 1 },
  })
  const first = (await outcomesOf(tenant)).find(({ scenario }) => scenario.externalId === 'inspect/kites/1')
  expect(first.trajectory).toMatchObject({
    messages: [{ content: 'Fly.' }, { content: 'up, at length' }],
    metadata: { colour: 'red' },
    events: [{ event: 'tool' }, { event: 'model', input_refs: [[0, 1]] }],
    events_data: { messages: [{}, {}, { content: 'up, at length' }] },
  })
})
