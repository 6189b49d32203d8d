import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { importCommand } from '../../src/commands/import.ts'
import { readConfig } from '../../src/config.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { ServerProxy } from '../support/serverProxy.ts'
import { zipOf } from '../support/zipArchive.ts'

const arc = useArc()

const tau2Small = fixture('tau2bench-small.json')
const tauSmall = fixture('taubench-small.json')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-import-'))
})
afterAll(() => rm(folder, { recursive: true }))

let printed: string[]
beforeEach(() => {
  printed = []
  vi.spyOn(console, 'log').mockImplementation((line) => printed.push(line))
  vi.spyOn(console, 'error').mockImplementation((line) => printed.push(line))
})
afterEach(() => vi.restoreAllMocks())

async function importInto(
  tenant: Tenant,
  files: string[],
  { url = arc.url, ...options }: { url?: string; patience?: string } = {},
): Promise<{ exitCode: number; output: string }> {
  printed = []
  const exitCode = await importCommand(arc.config, files, {
    url,
    token: await tenant.token(),
    quiet: true,
    ...options,
  })
  return { exitCode, output: printed.join('\n') }
}

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name)
  const isText = typeof content === 'string' || Buffer.isBuffer(content)
  await writeFile(path, isText ? content : JSON.stringify(content))
  return path
}

/** A tau2-bench file with one record for each change to it; the run is another one for each `timestamp`. */
function tau2(
  timestamp: string,
  changes: object[],
  { llm = 'm-1', temperature = 0, tasks = [] as object[] } = {},
) {
  const simulations = changes.map((change, index) => ({
    id: `s${index}`,
    task_id: String(index),
    trial: 0,
    duration: 1,
    end_time: '2025-03-04T10:00:00',
    termination_reason: 'user_stop',
    reward_info: { reward: 1 },
    messages: [{ role: 'assistant', content: 'Hello.', usage: { prompt_tokens: 5, completion_tokens: 2 } }],
    ...change,
  }))
  const info = {
    agent_info: { implementation: 'llm_agent', llm, llm_args: { temperature } },
    environment_info: { domain_name: 'kites', policy: 'Fly.' },
  }
  return { timestamp, info, tasks, simulations }
}

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(`{
    simulations {
      nodes {
        simulationId simulationName status repetitions totalScenarios succeededScenarios failedScenarios overallScore
        totalTokens totalCostUsd metadata
        configVersion { versionNumber configuration { name versions { totalCount } } }
        outcomes(first: 500) { totalCount nodes { scenario { externalId } repetition executionTime } }
      }
    }
  }`)
  return simulations.nodes
}

describe('a file', () => {
  it('becomes a completed simulation; its bad records are listed and cost no others', async () => {
    const tenant = arc.tenant()
    const { exitCode, output } = await importInto(tenant, [tau2Small])
    expect(exitCode).toBe(1)
    expect(output).toContain('configuration  tau2-bench telecom kite-model-2 llm_agent, version 1 (new)')
    expect(output).toContain('records        7 stored, 0 there already')
    expect(output).toContain('passed         2 of 5 graded, mean score 0.4000')
    expect(output).toContain('note           U+0000 replaced by U+FFFD in trajectory (1 place); 2 records')
    expect(output).toContain('rejected       8\n    record 8 (trial 0): task_id is missing\n')

    const [simulation, ...others] = await simulationsOf(tenant)
    expect(others).toEqual([])
    expect(simulation).toMatchObject({
      simulationName: 'tau2-bench telecom kite-model-2 2025-03-04T10:00:00',
      status: 'COMPLETED',
      repetitions: 2,
      totalScenarios: 8,
      succeededScenarios: 3,
      failedScenarios: 4,
      overallScore: 0.4,
      metadata: {
        format: 'tau2-bench',
        source_file: 'tau2bench-small.json',
        records: 7,
        rejected_records: 8,
      },
      outcomes: { totalCount: 7 },
    })
    expect(output).toContain(`simulation(simulationId: "${simulation.simulationId}")`)
  })

  it('stores nothing when it is imported again, under whatever name', async () => {
    const tenant = arc.tenant()
    await importInto(tenant, [tauSmall])
    const before = await simulationsOf(tenant)
    const copy = await file('gpt-9-retail-renamed.json', await readFile(tauSmall, 'utf8'))
    const { exitCode, output } = await importInto(tenant, [tauSmall, copy])
    expect(exitCode).toBe(1)
    expect(output.match(/records {8}0 stored, 9 there already/g)).toHaveLength(2)
    expect(await simulationsOf(tenant)).toEqual(before)
    const { configurations, scenarios } = await tenant.data(
      '{ configurations { totalCount } scenarios { nodes { revision createdAt updatedAt } } }',
    )
    expect(configurations.totalCount).toBe(1)
    for (const { revision, createdAt, updatedAt } of scenarios.nodes) {
      expect([revision, updatedAt]).toEqual([1, createdAt])
    }
  })

  it('is the same simulation for two tenants, each with its own rows', async () => {
    const path = await file('two-tenants.json', tau2('2025-01-01T00:00:00', [{}]))
    const [one, two] = [arc.tenant(), arc.tenant()]
    expect(await importInto(one, [path])).toMatchObject({ exitCode: 0 })
    expect((await importInto(two, [path])).output).toContain('1 stored, 0 there already')
    const [[ofOne], [ofTwo]] = [await simulationsOf(one), await simulationsOf(two)]
    expect(ofOne.simulationId).toBe(ofTwo.simulationId)
  })

  it('with settings that Arc has uses that version, wherever it stands in the history', async () => {
    const tenant = arc.tenant()
    const runs = [
      await file('cold.json', tau2('2025-01-01T00:00:00', [{}], { temperature: 0 })),
      await file('warm.json', tau2('2025-01-02T00:00:00', [{}], { temperature: 1 })),
      await file('cold-again.json', tau2('2025-01-03T00:00:00', [{}], { temperature: 0 })),
    ]
    expect(await importInto(tenant, runs)).toMatchObject({ exitCode: 0 })
    const versions = (await simulationsOf(tenant)).map(({ configVersion }) => configVersion)
    expect(versions.map(({ versionNumber }) => versionNumber)).toEqual([1, 2, 1])
    expect(versions[0].configuration.versions.totalCount).toBe(2)
  })

  it('without a description of a task leaves the one that Arc has', async () => {
    const tenant = arc.tenant()
    const tasks = [{ id: '0', user_scenario: { instructions: 'Fly it high.' } }]
    const bare = await file('bare.json', tau2('2025-01-01T00:00:00', [{}]))
    const described = await file('described.json', tau2('2025-01-02T00:00:00', [{}], { tasks }))
    const bareAgain = await file('bare-again.json', tau2('2025-01-03T00:00:00', [{}]))
    const prompts: string[] = []
    for (const path of [bare, described, bareAgain]) {
      expect(await importInto(tenant, [path])).toMatchObject({ exitCode: 0 })
      const { scenarios } = await tenant.data('{ scenarios { nodes { taskPrompt } } }')
      expect(scenarios.nodes).toHaveLength(1)
      prompts.push(scenarios.nodes[0].taskPrompt)
    }
    expect(prompts).toEqual([
      'The file does not describe this task.',
      'Instructions:\nFly it high.',
      'Instructions:\nFly it high.',
    ])
  })

  it('with a time that lies ahead is stored with the time of arrival', async () => {
    const tenant = arc.tenant()
    const ahead = new Date(Date.now() + 12 * 3_600_000).toISOString().slice(0, 19)
    const path = await file('ahead.json', tau2('2025-01-01T00:00:00', [{ end_time: ahead }, {}]))
    const before = Date.now()
    const { exitCode, output } = await importInto(tenant, [path])
    const after = Date.now()
    expect(exitCode).toBe(0)
    expect(output).toContain('note           executionTime is in the future')
    const [{ outcomes }] = await simulationsOf(tenant)
    const times = outcomes.nodes.map(({ executionTime }: any) => Date.parse(executionTime))
    expect(times[0]).toBeGreaterThanOrEqual(before)
    expect(times[0]).toBeLessThanOrEqual(after)
    expect(times[1]).toBe(Date.UTC(2025, 2, 4, 10))
  })

  it.each<[string, object, object, string]>([
    [
      'a duration of a century',
      { duration: 3e9 },
      { executionTimeMs: null },
      'executionTimeMs is more than 2147483647',
    ],
    [
      'tokens beyond 32 bits',
      { messages: [{ role: 'assistant', content: '', usage: { prompt_tokens: 3e9, completion_tokens: 7 } }] },
      { promptTokens: null, tokensUsed: null, completionTokens: 7 },
      'promptTokens is more than 2147483647',
    ],
    [
      'half a token',
      { messages: [{ role: 'assistant', content: '', usage: { prompt_tokens: 0.5, completion_tokens: 1 } }] },
      { promptTokens: null, tokensUsed: null, completionTokens: 1 },
      'promptTokens is no whole number',
    ],
    ['more money than there is', { agent_cost: 1e20 }, { costUsd: null }, 'costUsd is more than 999999999'],
    ['a clock that was not set', { end_time: '1970-01-01T00:00:07' }, {}, 'executionTime is before 2000'],
    [
      'more tools than are counted',
      {
        messages: Array.from({ length: 1001 }, (_, n) => ({
          role: 'assistant',
          content: '',
          tool_calls: [{ name: `tool ${n}`, arguments: {} }],
        })),
      },
      {},
      'only the first 1000 tools are counted',
    ],
  ])('loses no record to %s: it is unknown, and noted', async (name, change, expected, note) => {
    const tenant = arc.tenant()
    // Without a start of its own the run has that of its records.
    const { timestamp: _start, ...content } = tau2('2025-01-01T00:00:00', [change])
    const before = Date.now()
    const { exitCode, output } = await importInto(tenant, [
      await file(`${name}.json`, JSON.stringify(content)),
    ])
    expect([exitCode, output]).toEqual([0, output])
    expect(output).toContain(`note           ${note}`)
    const { outcomes } = await tenant.data(`{ outcomes { nodes {
      reliabilityScore executionTimeMs promptTokens completionTokens tokensUsed costUsd executionTime
    } } }`)
    expect(outcomes.nodes).toMatchObject([{ reliabilityScore: 1, ...expected }])
    if (name.includes('clock'))
      expect(Date.parse(outcomes.nodes[0].executionTime)).toBeGreaterThanOrEqual(before)
  })

  it('loses no record to one that GraphQL itself cannot take, or that is nested too deeply', async () => {
    const tenant = arc.tenant()
    const changes = [{}, {}, {}, { info: '300' }, { info: '20000' }, {}, {}]
    const text = JSON.stringify(tau2('2025-01-01T00:00:00', changes))
    const nested = text.replace(
      /"info":"(\d+)"/g,
      (_, levels) => `"info":${'['.repeat(levels)}${']'.repeat(levels)}`,
    )
    const path = await file('odd.json', nested)
    const { exitCode, output } = await importInto(tenant, [path])
    expect(exitCode).toBe(1)
    expect(output).toContain('records        5 stored')
    expect(output).toMatch(/tau2\/kites\/3, repetition 1: nested deeper than 200 levels/)
    expect(output).toMatch(/tau2\/kites\/4, repetition 1: It is nested too deeply/)
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'COMPLETED', outcomes: { totalCount: 5 } }])
  })

  it('cannot steer the terminal by what it says', async () => {
    const path = await file('escape.json', tau2('\u001b[2J', [{}, { trial: '\u001b[2J' }]))
    const { output } = await importInto(arc.tenant(), [path])
    expect(output).toContain('tau2-bench kites m-1 \ufffd[2J, completed')
    expect(output).not.toContain('\u001b')
  })

  it('cannot steer the terminal by its name either, which stands beside the progress', async () => {
    const path = await file('\u001b[2J\u202ejson', tau2('2025-01-01T00:00:00', [{}, {}]))
    const tenant = arc.tenant()
    const written: string[] = []
    const { isTTY } = process.stderr
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
    try {
      process.stderr.isTTY = true
      const options = { url: arc.url, token: await tenant.token() }
      expect(await importCommand(arc.config, [path], options)).toBe(0)
    } finally {
      process.stderr.isTTY = isTTY
      spy.mockRestore()
    }
    const shown = written.join('')
    expect(shown).toContain('\ufffd[2J\ufffdjson')
    for (const steering of ['\u001b[2J', '\u202e']) expect(shown).not.toContain(steering)
  })

  it('lists the first 20 rejected records and counts the rest', async () => {
    const path = await file(
      'wrong.json',
      tau2('2025-01-01T00:00:00', [{}, ...Array(25).fill({ messages: -1 })]),
    )
    const { output } = await importInto(arc.tenant(), [path])
    expect(output).toMatch(/rejected {7}25\n(.*messages is -1.*\n){20} {4}and 5 more$/)
  })

  it('keeps the digits of its numbers, and counts with them as any other', async () => {
    const tenant = arc.tenant()
    const [id, nanoseconds, share] = ['9007199254740993', '1732827384123456789', '0.12345678901234567891']
    const numbers = { id: '@id', at: ['@nanoseconds'], share: '@share' }
    const content = tau2(
      '2025-01-01T00:00:00',
      [
        {
          task_id: '@id',
          seed: numbers,
          reward_info: { reward: '@share', reward_breakdown: numbers },
          agent_cost: '@share',
          duration: '@share',
        },
      ],
      { tasks: [{ id: '@id', note: numbers, evaluation_criteria: { numbers } }] },
    )
    Object.assign(content.info.agent_info.llm_args, numbers)
    const text = JSON.stringify(content)
      .replaceAll('"@id"', id)
      .replaceAll('"@nanoseconds"', nanoseconds)
      .replaceAll('"@share"', share)
    const proxy = await ServerProxy.open(arc.url)
    const path = await file('digits.json', text)
    const { exitCode, output } = await importInto(tenant, [path], { url: proxy.url })
    // As a server in another process needs it: the mark of such a number is this one's.
    expect(proxy.count('\\u0000')).toBe(0)
    await proxy.close()
    expect(output).not.toContain('note')
    expect(exitCode).toBe(0)

    const query = `{ simulations { nodes { metadata configVersion { rawYaml } outcomes { nodes {
      reliabilityScore costUsd executionTimeMs metrics trajectory scenario { externalId groundTruth metadata }
    } } } } }`
    const response = await fetch(arc.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tenant.token()}` },
      body: JSON.stringify({ query }),
    })
    // Text, which a parser has not rounded; as JSON it has a space nowhere.
    const [simulation] = /"simulations":.*/s.exec(await response.text())!
    const places = (digits: string) => simulation.split(digits).length - 1
    expect(simulation).toMatch(
      /"reliabilityScore":0.12345678901234568,"costUsd":0.123456789012,"executionTimeMs":123,/,
    )
    expect(simulation).toContain(`"externalId":"tau2/kites/${id}"`)
    expect(simulation).toContain(`id: ${id}`)
    expect({ id: places(id), nanoseconds: places(nanoseconds), share: places(share) }).toMatchInlineSnapshot(`
      {
        "id": 9,
        "nanoseconds": 6,
        "share": 9,
      }
    `)
    expect((await importInto(tenant, [path])).output).toContain('0 stored, 1 there already')
  })

  it('may hold what Python writes for numbers that are none', async () => {
    const tenant = arc.tenant()
    const text = JSON.stringify(
      tau2('2025-01-01T00:00:00', [{ seed: '@', note: 'a "NaN" \\' }, { seed: '@' }]),
    )
    const path = await file('python.json', `\ufeff${text.replace('"@"', 'NaN').replace('"@"', '-Infinity')}`)
    const { exitCode, output } = await importInto(tenant, [path])
    expect(exitCode).toBe(0)
    expect(output).toContain('2 NaN or Infinity values, kept by name and unknown as figures')
    const { outcomes } = await tenant.data('{ outcomes { nodes { trajectory } } }')
    expect(outcomes.nodes.map(({ trajectory }: any) => trajectory.seed).sort()).toEqual(['-Infinity', 'NaN'])
    expect(outcomes.nodes.map(({ trajectory }: any) => trajectory.note)).toContain('a "NaN" \\')
  })
})

describe('an Inspect archive', () => {
  const head = { eval: { run_id: 'r', task_id: 't', task: 'kites', model: 'm-1' }, plan: {} }
  const sample = (id: number, value: string) => ({
    name: `samples/${id}_epoch_1.json`,
    content: JSON.stringify({ id, epoch: 1, input: 'Fly.', messages: [], scores: { match: { value } } }),
  })

  it('of which a sample is damaged loses that one alone, and says that the run was cut off', async () => {
    const tenant = arc.tenant()
    const start = { name: '_journal/start.json', content: JSON.stringify(head) }
    const damaged = { ...sample(2, 'C'), statedSize: 7 }
    const path = join(folder, 'kites.zip')
    await writeFile(path, zipOf([start, sample(1, 'C'), damaged, sample(3, 'I')]))
    const { exitCode, output } = await importInto(tenant, [path])
    expect(exitCode).toBe(1)
    expect(output).toContain(
      `${path}: Inspect\n  note           the run is not finished, or was cut off: 2 samples`,
    )
    expect(output).toContain('passed         1 of 2 graded, mean score 0.5000')
    expect(output).toContain('rejected       1\n    samples/2_epoch_1.json: Its compressed data is damaged.')
    expect(await simulationsOf(tenant)).toMatchObject([
      { status: 'RUNNING', metadata: { format: 'Inspect', log_status: 'started', rejected_records: 1 } },
    ])
  })
})

it('a promptfoo test that passes with less than the whole score is one that passed', async () => {
  const results = [0.8, 0.4].map((score, testIdx) => ({
    testIdx,
    promptIdx: 0,
    provider: { id: 'm-1' },
    prompt: { raw: 'Fly.' },
    vars: { kite: testIdx },
    success: score > 0.5,
    score,
  }))
  const path = await file('kites.json', {
    evalId: 'eval-kites',
    results: { version: 3, results },
    config: {},
  })
  const tenant = arc.tenant()
  const { exitCode, output } = await importInto(tenant, [path])
  expect(exitCode).toBe(0)
  expect(output).toContain('passed         1 of 2 graded, mean score 0.6000')
  expect(await simulationsOf(tenant)).toMatchObject([{ succeededScenarios: 1, failedScenarios: 1 }])
})

describe('files that cannot be read', () => {
  it('are named with the reason, and the others are imported', async () => {
    const files = [
      await file('comma.json', '{\n"simulations": [],\n}'),
      await file('empty.json', '\n'),
      await file('other.json', { kites: [] }),
      await file('near.json', { info: {}, simulations: [{ id: 1 }] }),
      await file('lines.jsonl', '{"kite": 1}\n{"kite": 2}\n'),
      await file('cut.eval', zipOf([]).subarray(0, 10)),
      await file('document.docx', zipOf([{ name: 'word/document.xml', content: '<a/>' }])),
      join(folder, 'missing.json'),
      await file('good.json', tau2('2025-01-01T00:00:00', [{}])),
    ]
    const { exitCode, output } = await importInto(arc.tenant(), files)
    expect(exitCode).toBe(1)
    const reasons = [
      'comma.json: It is not JSON: Expected double-quoted property name, in line 3, column 1.',
      'empty.json: It is not JSON: the file is empty.',
      'other.json: It is JSON, but not of a format that Arc imports. Known formats: tau2-bench, tau-bench, Inspect, promptfoo, InterCode,',
      'near.json: It is JSON, but not of a format that Arc imports. It comes nearest to tau2-bench, and lacks the value ' +
        '"simulations[].task_id" and the object "simulations[].reward_info". Known formats: ',
      'lines.jsonl: It is JSON Lines, but not of a format that Arc imports. Known formats: ',
      'cut.eval: It is a zip that is damaged or not complete: ',
      'document.docx: It is a zip, but not an Inspect log: it holds neither header.json nor _journal/start.json.',
      'missing.json: There is no such file.',
    ]
    for (const reason of reasons) expect(output).toContain(reason)
    expect(output).toContain('records        1 stored')
  })
})

describe('the server', () => {
  const path = tau2Small

  it('has to be there, at a URL', async () => {
    const run = (url: string) => importCommand(arc.config, [path], { url, token: 't', quiet: true })
    expect(await run('http://127.0.0.1:1/graphql')).toBe(2)
    expect(printed.pop()).toBe(
      'arc import: No Arc at http://127.0.0.1:1/graphql: start it with "npm start", or pass another URL with --url.',
    )
    expect(await run('localhost:4000')).toBe(2)
    expect(printed.pop()).toContain('The URL must be one like')
    expect(await run(arc.url.replace('graphql', 'nothing'))).toBe(2)
    expect(printed.pop()).toContain('Not found. GraphQL is at ')
    const root = arc.url.replace('/graphql', '')
    expect(await run(root)).toBe(2)
    expect(printed.pop()).toContain(`GraphQL is not at ${root}: the URL must be one like`)
  })

  it('has to take the token, for writing', async () => {
    const run = (token?: string) => importCommand(arc.config, [path], { url: arc.url, token, quiet: true })
    expect(await run('nonsense')).toBe(2)
    expect(printed.pop()).toContain('refuses the token: The token is malformed.')
    expect(await run(await arc.tenant().token('app_readonly'))).toBe(2)
    expect(printed.pop()).toContain('The token is read-only.')
  })

  it('and the token may come from the environment', async () => {
    const tenant = arc.tenant()
    const env = {
      ARC_URL: arc.url,
      ARC_TOKEN: await tenant.token(),
      ARC_JWT_SECRET: 'another secret than the server has',
    }
    const good = await file('environment.json', tau2('2025-01-01T00:00:00', [{}]))
    expect(await importCommand(readConfig(env), [good], { quiet: true })).toBe(0)
    expect(await simulationsOf(tenant)).toHaveLength(1)
    expect(await importCommand(readConfig({ ...env, ARC_TOKEN: '' }), [good], { quiet: true })).toBe(2)
    expect(printed.pop()).toContain('It was signed with the secret of this machine')
  })

  it('is asked again for an answer that got lost', async () => {
    const tenant = arc.tenant()
    const proxy = await startProxy((operation, count) => operation === 'RecordOutcomes' && count === 1)
    try {
      const { exitCode, output } = await importInto(tenant, [tau2Small], { url: proxy.url })
      expect(exitCode).toBe(1)
      expect(output).toContain('records        0 stored, 7 there already')
      expect(await simulationsOf(tenant)).toMatchObject([
        { status: 'COMPLETED', succeededScenarios: 3, failedScenarios: 4 },
      ])
    } finally {
      await proxy.close()
    }
  })

  it('that goes away leaves an import that a second one brings to its end', async () => {
    const tenant = arc.tenant()
    const many = tau2('2025-01-01T00:00:00', Array(450).fill({}))
    const files = [await file('many.json', many)]
    const proxy = await startProxy((operation, count) => operation === 'RecordOutcomes' && count > 1)
    const cut = await importInto(tenant, files, { url: proxy.url, patience: '1' })
    await proxy.close()
    expect(cut.exitCode).toBe(2)
    expect(cut.output).toContain('no longer answers')
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING' }])

    const { exitCode, output } = await importInto(tenant, files)
    expect(exitCode).toBe(0)
    const [, stored, known] = /records +(\d+) stored, (\d+) there already/.exec(output)!
    expect(Number(stored) + Number(known)).toBe(450)
    expect(await simulationsOf(tenant)).toMatchObject([
      { status: 'COMPLETED', succeededScenarios: 450, outcomes: { totalCount: 450 } },
    ])
  })
})

/** A way to the server on which answers break off: those that `isLost` names, by operation and how often it was asked. */
async function startProxy(isLost: (operation: string, count: number) => boolean) {
  const counts: Record<string, number> = {}
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const operation = /(?:query|mutation) (\w+)/.exec(JSON.parse(body.toString()).query)![1]!
    counts[operation] = (counts[operation] ?? 0) + 1
    const lost = isLost(operation, counts[operation])
    const headers = { 'content-type': 'application/json', authorization: request.headers.authorization! }
    const answer = await fetch(arc.url, { method: 'POST', headers, body })
    const text = await answer.text()
    const length = Buffer.byteLength(text)
    response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': length })
    if (lost) response.write(text.slice(0, 10), () => request.socket.destroy())
    else response.end(text)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/graphql`,
    close: () =>
      new Promise((resolve) => {
        proxy.close(resolve)
        proxy.closeAllConnections()
      }),
  }
}
