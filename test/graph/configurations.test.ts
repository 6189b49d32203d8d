import { describe, expect, it, vi } from 'vitest'
import { ConfigComparison } from '../../src/evaluation/configurations/configDiff.ts'
import type { Context } from '../../src/graphql/builder/context.ts'
import { comparisonsOf } from '../../src/graphql/comparisons.ts'
import { useArc } from '../support/arc.ts'

const arc = useArc()

const CREATE = `mutation ($input: CreateConfigurationInput!) {
  createConfiguration(input: $input) {
    configuration { configId name isActive latestVersion { versionNumber } }
    version { versionId versionNumber rawYaml parsedConfig configHash model temperature warnings generatedBy }
    errors { code message path }
  }
}`
const ADD = `mutation ($input: CreateConfigVersionInput!) {
  createConfigVersion(input: $input) { created version { versionId versionNumber model } errors { code message path } }
}`

describe('createConfiguration', () => {
  it('keeps the YAML byte for byte and reads model and temperature out of it', async () => {
    const tenant = arc.tenant()
    const yaml =
      '# A comment stays.\nagent:\n  model:\n    name: gpt-4o   # with its spaces\n    temperature: 0.2\n'
    const { createConfiguration } = await tenant.data(CREATE, {
      input: { name: 'booking agent', yaml, generatedBy: 'MANUAL' },
    })
    expect(createConfiguration).toMatchObject({
      configuration: { name: 'booking agent', isActive: true, latestVersion: { versionNumber: 1 } },
      version: {
        versionNumber: 1,
        rawYaml: yaml,
        model: 'gpt-4o',
        temperature: 0.2,
        warnings: [],
        generatedBy: 'MANUAL',
      },
      errors: [],
    })
    expect(createConfiguration.version.configHash).toMatch(/^[0-9a-f]{64}$/)
    expect(createConfiguration.version.parsedConfig.agent.model.name).toBe('gpt-4o')
  })

  it('warns when the temperature is left to the provider', async () => {
    const { createConfiguration } = await arc
      .tenant()
      .data(CREATE, { input: { name: 'agent', yaml: 'model: o3\n' } })
    expect(createConfiguration.version).toMatchObject({
      temperature: null,
      warnings: [expect.stringContaining('temperature')],
    })
  })

  it('refuses what cannot be kept, says why, and leaves nothing behind', async () => {
    const tenant = arc.tenant()
    await tenant.data(CREATE, { input: { name: 'taken' } })
    const bomb = `model: x\na: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefghij'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`)
      .join('\n')}\n`
    for (const [input, code, path] of [
      [{ name: 'taken' }, 'NAME_TAKEN', ['name']],
      [{ name: 'ab' }, 'INVALID_VALUE', ['name']],
      [{ name: 'x'.repeat(101) }, 'INVALID_VALUE', ['name']],
      [{ name: 'a\u0000b c' }, 'INVALID_VALUE', ['name']],
      [{ name: 'agent', yaml: 'model: [unclosed' }, 'YAML_INVALID', ['yaml']],
      [{ name: 'agent', yaml: '- a list' }, 'YAML_INVALID', ['yaml']],
      [{ name: 'agent', yaml: '' }, 'YAML_INVALID', ['yaml']],
      [{ name: 'agent', yaml: 'temperature: 1' }, 'MODEL_MISSING', ['yaml']],
      [{ name: 'agent', yaml: 'model: x\ntemperature: hot' }, 'INVALID_VALUE', ['yaml', 'temperature']],
      [{ name: 'agent', yaml: 'model: x\ntemperature: 2.1' }, 'INVALID_VALUE', ['yaml', 'temperature']],
      [{ name: 'agent', yaml: `model: x\ntext: ${'y'.repeat(2 * 1024 * 1024)}` }, 'TOO_LARGE', ['yaml']],
      [{ name: 'agent', yaml: bomb }, 'TOO_LARGE', ['yaml']],
      [{ name: 'agent', yaml: 'model: "nul \\0 inside"' }, 'YAML_INVALID', ['yaml']],
    ] as const) {
      const { createConfiguration } = await tenant.data(CREATE, { input })
      expect(createConfiguration, JSON.stringify(input).slice(0, 200)).toMatchObject({
        configuration: null,
        version: null,
        errors: [{ path }],
      })
      expect([JSON.stringify(input).slice(0, 80), createConfiguration.errors[0].code]).toEqual([
        JSON.stringify(input).slice(0, 80),
        code,
      ])
    }
    const { configurations } = await tenant.data('{ configurations { nodes { name } } }')
    expect(configurations.nodes).toEqual([{ name: 'taken' }])
  })
})

describe('createConfigVersion', () => {
  it('counts versions, answers the latest one for the same YAML, and takes an earlier text again', async () => {
    const tenant = arc.tenant()
    const { configId, versionId } = await tenant.configVersion('agent', 'model: a\ntemperature: 1\n')
    const add = async (yaml: string) =>
      (await tenant.data(ADD, { input: { configId, yaml } })).createConfigVersion
    expect(await add('model: a\ntemperature: 1\n')).toMatchObject({
      created: false,
      version: { versionId, versionNumber: 1 },
    })
    expect(await add('model: b\ntemperature: 1\n')).toMatchObject({
      created: true,
      version: { versionNumber: 2, model: 'b' },
    })
    expect(await add('model: a\ntemperature: 1\n')).toMatchObject({
      created: true,
      version: { versionNumber: 3, model: 'a' },
    })
    const { configuration } = await tenant.data(
      `query ($configId: UUID!) {
        configuration(configId: $configId) {
          latestVersion { versionNumber }
          versions(orderBy: { field: VERSION_NUMBER, direction: ASC }) { totalCount nodes { versionNumber configuration { configId } } }
        }
      }`,
      { configId },
    )
    expect(configuration.latestVersion.versionNumber).toBe(3)
    expect(configuration.versions.nodes.map(({ versionNumber }: any) => versionNumber)).toEqual([1, 2, 3])
  })

  it('gives each of many concurrent versions a number of its own', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        tenant.data(ADD, { input: { configId, yaml: `model: m${index}\ntemperature: 0\n` } }),
      ),
    )
    const numbers = answers.map(({ createConfigVersion }) => createConfigVersion.version.versionNumber)
    expect(numbers.sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('stores the diff to the version before', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('agent', 'model: a\ntemperature: 1\n')
    await tenant.data(ADD, { input: { configId, yaml: 'model: a\ntemperature: 0.5\ntools: [search]\n' } })
    const diffs = await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
      const { rows } = await client.query(
        'select diff_yaml, change_summary, approval_status from config_diffs where config_id = $1',
        [configId],
      )
      await client.query('rollback')
      return rows
    })
    expect(diffs).toEqual([
      {
        diff_yaml: expect.stringContaining('-temperature: 1\n+temperature: 0.5\n+tools: [search]'),
        change_summary: [
          { path: '/temperature', op: 'replace', before: 1, after: 0.5 },
          { path: '/tools', op: 'add', after: ['search'] },
        ],
        approval_status: 'pending',
      },
    ])
  })

  it('knows no configuration of another tenant', async () => {
    const { configId } = await arc.tenant().configVersion()
    const { createConfigVersion } = await arc.tenant().data(ADD, { input: { configId, yaml: 'model: x\n' } })
    expect(createConfigVersion).toMatchObject({
      created: false,
      version: null,
      errors: [{ code: 'CONFIGURATION_NOT_FOUND', path: ['configId'] }],
    })
  })
})

const DIFF = `configId unifiedDiff changes { path op before after } approvalStatus approvedBy approvedAt
  before { versionNumber } after { versionNumber }
  hunks { beforeStart beforeLines afterStart afterLines rows { kind before { line text } after { line text } } }`

describe('a diff', () => {
  it('is kept for each version after the first, and tells what changed in three ways', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('agent', 'model: a\ntemperature: 1\nstop: x\n')
    await tenant.data(ADD, { input: { configId, yaml: 'model: a\ntemperature: 0.5\ntools: [t]\ntop: 1' } })
    const { configuration } = await tenant.data(
      `query ($configId: UUID!) { configuration(configId: $configId) { diffs { totalCount nodes { ${DIFF} } } } }`,
      { configId },
    )
    expect(configuration.diffs).toEqual({
      totalCount: 1,
      nodes: [
        {
          configId,
          unifiedDiff: expect.stringContaining(
            '-temperature: 1\n-stop: x\n+temperature: 0.5\n+tools: [t]\n+top: 1\n\\ No newline',
          ),
          changes: [
            { path: '/stop', op: 'REMOVE', before: 'x', after: null },
            { path: '/temperature', op: 'REPLACE', before: 1, after: 0.5 },
            { path: '/tools', op: 'ADD', before: null, after: ['t'] },
            { path: '/top', op: 'ADD', before: null, after: 1 },
          ],
          approvalStatus: 'PENDING',
          approvedBy: null,
          approvedAt: null,
          before: { versionNumber: 1 },
          after: { versionNumber: 2 },
          hunks: [
            {
              beforeStart: 1,
              beforeLines: 3,
              afterStart: 1,
              afterLines: 4,
              rows: [
                { kind: 'SAME', before: { line: 1, text: 'model: a' }, after: { line: 1, text: 'model: a' } },
                {
                  kind: 'CHANGED',
                  before: { line: 2, text: 'temperature: 1' },
                  after: { line: 2, text: 'temperature: 0.5' },
                },
                {
                  kind: 'CHANGED',
                  before: { line: 3, text: 'stop: x' },
                  after: { line: 3, text: 'tools: [t]' },
                },
                { kind: 'ADDED', before: null, after: { line: 4, text: 'top: 1' } },
              ],
            },
          ],
        },
      ],
    })
  })

  it('of any two versions of any two configurations is made when asked for', async () => {
    const tenant = arc.tenant()
    const one = await tenant.configVersion('agent one', 'model: a\ntemperature: 1\n')
    const two = await tenant.configVersion('agent two', 'model: b\ntemperature: 1\n')
    const foreign = await arc.tenant().configVersion()
    const compare = async (before: string, after: string) =>
      (
        await tenant.data(
          `query ($before: UUID!, $after: UUID!) {
            configDiff(before: $before, after: $after) {
              before { configId } after { configId } unifiedDiff changes { path op before after } hunks { rows { kind } }
            }
          }`,
          { before, after },
        )
      ).configDiff
    expect(await compare(one.versionId, two.versionId.toUpperCase())).toEqual({
      before: { configId: one.configId },
      after: { configId: two.configId },
      unifiedDiff:
        '--- agent one 1\n+++ agent two 1\n@@ -1,2 +1,2 @@\n-model: a\n+model: b\n temperature: 1\n',
      changes: [{ path: '/model', op: 'REPLACE', before: 'a', after: 'b' }],
      hunks: [{ rows: [{ kind: 'CHANGED' }, { kind: 'SAME' }] }],
    })
    expect(await compare(one.versionId, one.versionId)).toMatchObject({
      unifiedDiff: '',
      changes: [],
      hunks: [],
    })
    expect(await compare(one.versionId, foreign.versionId)).toBeNull()
  })

  it('of the same two versions is made once in an operation, whatever its aliases', async () => {
    const tenant = arc.tenant()
    const one = await tenant.configVersion('agent one', 'model: a\n')
    const two = await tenant.configVersion('agent two', 'model: b\n')
    const diff = (alias: string, after = '$two') =>
      `${alias}: configDiff(before: $one, after: ${after}) { unifiedDiff hunks { rows { kind } } changes { path } }`
    const made = vi.spyOn(ConfigComparison.prototype, 'changes', 'get')
    const { a, b, same } = await tenant.data(
      `query ($one: UUID!, $two: UUID!) { ${diff('a')} ${diff('b')} ${diff('same', '$one')} }`,
      { one: one.versionId, two: two.versionId },
    )
    expect(a.changes).toEqual([{ path: '/model' }])
    expect(b).toEqual(a)
    expect(same.changes).toEqual([])
    expect(new Set(made.mock.contexts).size).toBe(2)
  })

  it('lets everybody else have a turn before the next', async () => {
    const order: string[] = []
    const operation = comparisonsOf({} as Context)
    await Promise.all([
      operation.inTurn(() => {
        order.push('one')
        setImmediate(() => order.push('somebody else'))
      }),
      operation.inTurn(() => order.push('two')),
    ])
    expect(order).toEqual(['one', 'somebody else', 'two'])
  })

  it('is approved or rejected once, by whom, when and why, until that is taken back, and audited', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('agent', 'model: a\n')
    for (const model of ['b', 'c']) await tenant.data(ADD, { input: { configId, yaml: `model: ${model}\n` } })
    const { configDiffs } = await tenant.data('{ configDiffs { nodes { diffId } } }')
    const [toReject, toApprove] = configDiffs.nodes.map(({ diffId }: { diffId: string }) => diffId)
    const decide = async (verb: 'approve' | 'reject' | 'withdraw', diffId: string, comment?: string) => {
      const mutation = verb === 'withdraw' ? 'withdrawConfigDiffDecision' : `${verb}ConfigDiff`
      const answer = await tenant.data(
        `mutation ($diffId: UUID!, $comment: String) {
          ${mutation}(input: { diffId: $diffId, comment: $comment }) {
            diff { approvalStatus approvedBy approvedAt rejectedBy rejectedAt decisionComment } errors { code path message }
          }
        }`,
        { diffId, comment },
      )
      return answer[mutation]
    }
    const pending = {
      approvalStatus: 'PENDING',
      approvedBy: null,
      approvedAt: null,
      rejectedBy: null,
      rejectedAt: null,
      decisionComment: null,
    }
    const [by, at] = ['actor of app_user', expect.stringMatching(/^20/)]
    const decided = {
      diff: {
        ...pending,
        approvalStatus: 'APPROVED',
        approvedBy: by,
        approvedAt: at,
        decisionComment: 'half the cost',
      },
      errors: [],
    }
    const approved = await decide('approve', toApprove, ' half the cost\n')
    expect(approved).toEqual(decided)
    // As when the answer got lost: with its reason, and without.
    expect(await decide('approve', toApprove, 'half the cost')).toEqual(approved)
    expect(await decide('approve', toApprove)).toEqual(approved)
    const refused = (message: RegExp, code = 'CONFIG_DIFF_DECIDED', path = ['diffId']) => ({
      diff: null,
      errors: [{ code, path, message: expect.stringMatching(message) }],
    })
    expect(await decide('reject', toApprove)).toEqual(refused(/already approved: take that back first/))
    expect(await decide('approve', toApprove, 'twice the score')).toEqual(
      refused(/approved, with another comment/),
    )
    for (const comment of [' ', 'x'.repeat(10_001)])
      expect(await decide('reject', toReject, comment)).toEqual(
        refused(/comment/, 'INVALID_VALUE', ['comment']),
      )

    expect((await decide('withdraw', toApprove, 'measured wrongly')).diff).toEqual({
      ...pending,
      decisionComment: 'measured wrongly',
    })
    expect((await decide('withdraw', toApprove)).diff).toEqual({
      ...pending,
      decisionComment: 'measured wrongly',
    })
    expect((await decide('reject', toApprove)).diff).toEqual({
      ...pending,
      approvalStatus: 'REJECTED',
      rejectedBy: by,
      rejectedAt: at,
    })
    expect((await decide('withdraw', toApprove)).diff).toEqual(pending)
    expect((await decide('approve', toApprove)).diff).toMatchObject({ approvalStatus: 'APPROVED' })
    expect((await decide('reject', toReject, 'slower')).diff).toMatchObject({ decisionComment: 'slower' })
    const { undecided, rejected } = await tenant.data(`{
      undecided: configDiffs(filter: { approvalStatus: { eq: PENDING } }) { totalCount }
      rejected: configDiffs(filter: { approvalStatus: { eq: REJECTED } }) { nodes { diffId } }
    }`)
    expect([undecided.totalCount, rejected.nodes]).toEqual([0, [{ diffId: toReject }]])
    const audited = await arc.sql('admin', async (client) => {
      const { rows } = await client.query(
        `select new_data ->> 'approval_status' as status, new_data ->> 'decision_comment' as comment from audit_log
        where user_id = $1 and table_name = 'config_diffs' and operation = 'UPDATE' order by timestamp, log_id`,
        [tenant.tenantId],
      )
      return rows
    })
    expect(audited.map(({ status, comment }) => [status, comment])).toEqual([
      ['approved', 'half the cost'],
      ['pending', 'measured wrongly'],
      ['rejected', null],
      ['pending', null],
      ['approved', null],
      ['rejected', 'slower'],
    ])
  })
})

describe('setLatestVersion', () => {
  it('makes a new version with the YAML of the earlier one', async () => {
    const tenant = arc.tenant()
    const { configId, versionId } = await tenant.configVersion('agent', 'model: a\n')
    await tenant.data(ADD, { input: { configId, yaml: 'model: b\n' } })
    const back = async (version: string) =>
      (
        await tenant.data(
          `mutation ($input: SetLatestVersionInput!) {
            setLatestVersion(input: $input) { created version { versionNumber rawYaml } errors { code path } }
          }`,
          { input: { configId, versionId: version } },
        )
      ).setLatestVersion
    expect(await back(versionId)).toEqual({
      created: true,
      version: { versionNumber: 3, rawYaml: 'model: a\n' },
      errors: [],
    })
    expect(await back(versionId)).toMatchObject({ created: false, version: { versionNumber: 3 } })
    const { configuration } = await tenant.data(
      `query ($configId: UUID!) {
        configuration(configId: $configId) { latestVersion { versionNumber model } diffs { totalCount } }
      }`,
      { configId },
    )
    expect(configuration).toEqual({
      latestVersion: { versionNumber: 3, model: 'a' },
      diffs: { totalCount: 2 },
    })
    const other = await tenant.configVersion('another agent')
    expect(await back(other.versionId)).toEqual({
      created: false,
      version: null,
      errors: [{ code: 'CONFIG_VERSION_NOT_FOUND', path: ['versionId'] }],
    })
  })
})

describe('archiveConfiguration and restoreConfiguration', () => {
  it('take a configuration out of use and back, while its name is free', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('agent')
    const step = async (mutation: string, key = configId) =>
      (
        await tenant.data(
          `mutation ($configId: UUID!) {
            ${mutation}(input: { configId: $configId }) { configuration { isActive } errors { code path } }
          }`,
          { configId: key },
        )
      )[mutation]
    for (const _ of ['once', 'again']) {
      expect(await step('archiveConfiguration')).toEqual({ configuration: { isActive: false }, errors: [] })
    }
    const { configurations } = await tenant.data(
      '{ configurations(filter: { isActive: false }) { nodes { configId } } }',
    )
    expect(configurations.nodes).toEqual([{ configId }])
    const other = await tenant.configVersion('agent')
    expect(await step('restoreConfiguration')).toEqual({
      configuration: null,
      errors: [{ code: 'NAME_TAKEN', path: ['configId'] }],
    })
    await step('archiveConfiguration', other.configId)
    expect(await step('restoreConfiguration')).toEqual({ configuration: { isActive: true }, errors: [] })
  })
})

describe('upsertScenarios', () => {
  const UPSERT = `mutation ($scenarios: [ScenarioInput!]!) {
    upsertScenarios(input: { scenarios: $scenarios }) {
      receipts { index scenarioId status revision code path }
      errors { code path }
    }
  }`
  it('stores what is new or changed, and raises the revision when prompt or ground truth changes', async () => {
    const tenant = arc.tenant()
    const upsert = async (...scenarios: object[]) =>
      (await tenant.data(UPSERT, { scenarios })).upsertScenarios.receipts
    const scenario = {
      scenarioId: 'book_flight',
      taskPrompt: 'Book a flight.',
      groundTruth: { seat: '1A' },
      tags: ['travel'],
    }
    expect(await upsert(scenario)).toMatchObject([{ status: 'STORED', revision: 1 }])
    expect(await upsert(scenario)).toMatchObject([{ status: 'DUPLICATE', revision: 1 }])
    expect(await upsert({ ...scenario, tags: ['travel', 'air'] })).toMatchObject([
      { status: 'STORED', revision: 1 },
    ])
    expect(await upsert({ ...scenario, groundTruth: { seat: '2A' } })).toMatchObject([
      { status: 'STORED', revision: 2 },
    ])
    expect(await upsert({ ...scenario, taskPrompt: 'Book two.' })).toMatchObject([
      { status: 'STORED', revision: 3 },
    ])
  })

  it('derives a key from any id of the source, and rejects a bad row without the others', async () => {
    const tenant = arc.tenant()
    const { upsertScenarios } = await tenant.data(UPSERT, {
      scenarios: [
        { externalId: 'tau2/telecom/[mobile_data_issue]a|b[PERSONA:Hard]', taskPrompt: 'x' },
        { externalId: 'tau2/telecom/[mobile_data_issue]a/b[PERSONA:Hard]', taskPrompt: 'x' },
        { scenarioId: 'Not A Key', taskPrompt: 'x' },
        { taskPrompt: 'x' },
        { scenarioId: 'empty', taskPrompt: '' },
        { scenarioId: 'tags', taskPrompt: 'x', tags: Array.from({ length: 21 }, (_, index) => `t${index}`) },
        { scenarioId: 'ok', taskPrompt: 'x' },
        { scenarioId: 'ok', taskPrompt: 'again' },
      ],
    })
    const { receipts } = upsertScenarios
    expect(receipts.map(({ status, path }: any) => [status, path?.[0] ?? null])).toEqual([
      ['STORED', null],
      ['STORED', null],
      ['REJECTED', 'scenarioId'],
      ['REJECTED', 'scenarioId'],
      ['REJECTED', 'taskPrompt'],
      ['REJECTED', 'tags'],
      ['STORED', null],
      ['REJECTED', 'scenarioId'],
    ])
    expect(receipts[0].scenarioId).not.toBe(receipts[1].scenarioId)
    const tooMany = await tenant.data(UPSERT, {
      scenarios: Array.from({ length: 1001 }, (_, index) => ({ scenarioId: `s${index}`, taskPrompt: 'x' })),
    })
    expect(tooMany.upsertScenarios).toEqual({
      receipts: [],
      errors: [{ code: 'TOO_MANY_ROWS', path: ['scenarios'] }],
    })
  })
})

describe('startSimulation', () => {
  const START = `mutation ($input: StartSimulationInput!) {
    startSimulation(input: $input) { created simulation { simulationId totalScenarios } errors { code path message } }
  }`
  it('refuses what it cannot run, and leaves nothing behind', async () => {
    const tenant = arc.tenant()
    const { versionId: configVersionId } = await tenant.configVersion()
    const foreign = (await arc.tenant().configVersion()).versionId
    await tenant.scenarios('a', 'b')
    const input = { configVersionId, scenarioIds: ['a', 'b'] }
    for (const [more, code, path] of [
      [{ configVersionId: foreign }, 'CONFIG_VERSION_NOT_FOUND', ['configVersionId']],
      [{ scenarioIds: ['a', 'nobody'] }, 'SCENARIO_NOT_FOUND', ['scenarioIds', '1']],
      [{ scenarioIds: ['a', 'b'.repeat(101)] }, 'INVALID_VALUE', ['scenarioIds', '1']],
      [{ scenarioIds: [] }, 'INVALID_VALUE', ['scenarioIds']],
      [{ scenarioIds: ['a', 'a'] }, 'INVALID_VALUE', ['scenarioIds', '1']],
      [{ repetitions: 0 }, 'INVALID_VALUE', ['repetitions']],
      [{ repetitions: 1001 }, 'INVALID_VALUE', ['repetitions']],
      [{ priority: 11 }, 'INVALID_VALUE', ['priority']],
      [{ timeoutMs: 0 }, 'INVALID_VALUE', ['timeoutMs']],
      [{ name: 'x'.repeat(201) }, 'INVALID_VALUE', ['name']],
    ] as const) {
      const { startSimulation } = await tenant.data(START, { input: { ...input, ...more } })
      expect(startSimulation).toMatchObject({ created: false, simulation: null, errors: [{ code, path }] })
    }
    expect(await tenant.data('{ simulations { totalCount } simulationScenarios { totalCount } }')).toEqual({
      simulations: { totalCount: 0 },
      simulationScenarios: { totalCount: 0 },
    })
  })

  it('answers the same simulation for the same call, and refuses another one under its id', async () => {
    const tenant = arc.tenant()
    const { versionId: configVersionId } = await tenant.configVersion()
    await tenant.scenarios('a', 'b')
    const simulationId = 'aaaaaaaa-bbbb-8ccc-8ddd-eeeeeeeeeeee'
    const start = async (more: object) =>
      (
        await tenant.data(START, {
          input: { configVersionId, scenarioIds: ['a', 'b'], simulationId, ...more },
        })
      ).startSimulation
    expect(await start({})).toMatchObject({ created: true, simulation: { simulationId, totalScenarios: 2 } })
    expect(await start({})).toMatchObject({ created: false, simulation: { simulationId } })
    expect(await start({ scenarioIds: ['a'] })).toMatchObject({
      simulation: null,
      errors: [{ code: 'SIMULATION_ID_TAKEN', path: ['simulationId'] }],
    })
  })
})
