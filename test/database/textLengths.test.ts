import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { BYTES, LENGTHS } from '../../src/valueChecks.ts'
import { type Tenant, useArc } from '../support/arc.ts'

// How long a text may be is said twice, by the checks and by the tables: here they are held together, with characters of
// four bytes, which are two units for JavaScript and one character for PostgreSQL.

const arc = useArc()

interface Refused {
  code: string
  /** Of a receipt it is called the reason. */
  message: string
}

interface Field {
  /** What the text begins with, where not any text is one. */
  start?: string
  /** More is cut, not refused. */
  isCut?: true
  /** Writes the text; what is said against it. */
  write: (text: string) => Promise<Refused | undefined>
}

let tenant: Tenant
let versionId: string
let configId: string
let simulationId: string
let outcomeId: string
let diffId: string
let signature: string
beforeAll(async () => {
  tenant = arc.tenant()
  const version = await tenant.configVersion()
  versionId = version.versionId
  configId = version.configId
  simulationId = await tenant.simulation(['a'], { repetitions: 1_000 })
  const { receipts } = await tenant.record([
    { simulationId, scenarioId: 'a', repetition: 1_000, status: 'SUCCESS' },
    { simulationId, scenarioId: 'a', repetition: 999, status: 'ERROR', error: 'It broke.' },
  ])
  const { failurePatterns } = await tenant.data('{ failurePatterns { nodes { signature } } }')
  signature = failurePatterns.nodes[0].signature
  outcomeId = receipts[0].outcomeId
  const { createConfigVersion } = await tenant.data(
    `mutation ($configId: UUID!) {
      createConfigVersion(input: { configId: $configId, yaml: "model: other" }) { version { diffs { nodes { diffId } } } }
    }`,
    { configId },
  )
  diffId = createConfigVersion.version.diffs.nodes[0].diffId
})

/** Runs a mutation that has one input; the first error of its payload, or of its one receipt. */
async function refusalOf(mutation: string, input: object): Promise<Refused | undefined> {
  const receipts = {
    upsertScenarios: 'receipts { code message: reason }',
    recordEmbeddings: 'receipts { code message: reason }',
    recordOutcomes: 'receipts { code message: reason }',
    recordOutcome: 'receipt { code message: reason }',
  }[mutation]
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input!`
  const data = await tenant.data(
    `mutation ($input: ${type}) { ${mutation}(input: $input) { ${receipts ?? ''} errors { code message } } }`,
    { input },
  )
  const { errors, receipts: rows = [] } = data[mutation]
  return [...errors, ...rows].find(({ code }) => code !== null)
}

const configuration = (more: object) =>
  refusalOf('createConfiguration', { name: `agent ${randomUUID()}`, ...more })
const scenario = (more: object) =>
  refusalOf('upsertScenarios', { scenarios: [{ scenarioId: 'a', taskPrompt: 'Do it.', ...more }] })
const simulation = (more: object) =>
  refusalOf('startSimulation', { configVersionId: versionId, scenarioIds: ['a'], ...more })
let repetition = 0
const outcome = (more: object) =>
  refusalOf('recordOutcomes', {
    outcomes: [{ simulationId, scenarioId: 'a', repetition: ++repetition, status: 'ERROR', ...more }],
  })
const recommendation = (more: object) =>
  refusalOf('createRecommendation', {
    sourceType: 'PATTERN_ANALYSIS',
    sourceId: randomUUID(),
    recommendationType: 'CONFIG_CHANGE',
    description: 'Be better.',
    confidence: 1,
    ...more,
  })
async function advice(): Promise<{ recommendationId: string }> {
  const { createRecommendation } = await tenant.data(
    `mutation { createRecommendation(input: { sourceType: PATTERN_ANALYSIS, sourceId: "${randomUUID()}", recommendationType: CONFIG_CHANGE,
      description: "Be better.", confidence: 1 }) { recommendation { recommendationId } } }`,
  )
  return createRecommendation.recommendation
}
const failure = { failureType: 'x', failureCategory: 'UNKNOWN' }
const tool = { toolName: 'x', callCount: 1, successRate: 0 }

/** Fields whose columns have a check in the database. */
const CHECKED: Record<string, Field> = {
  'configurations.name': { write: (name) => configuration({ name }) },
  'configurations.modal_app_id': { write: (modalAppId) => configuration({ modalAppId }) },
  'configurations.description': {
    write: (description) => refusalOf('describeConfiguration', { configId, description }),
  },
  'embeddings.model': {
    write: (model) =>
      refusalOf('recordEmbeddings', { model, embeddings: [{ outcomeId, vector: Array(1536).fill(1) }] }),
  },
  'outcome_notes.text': { write: (text) => refusalOf('addOutcomeNote', { outcomeId, text }) },
  'failure_group_notes.note': { write: (note) => refusalOf('noteFailureGroup', { signature, note }) },
  'failure_group_notes.resolution_steps': {
    write: (resolutionSteps) => refusalOf('noteFailureGroup', { signature, note: 'x', resolutionSteps }),
  },
  'config_diffs.decision_comment': {
    write: (comment) => refusalOf('rejectConfigDiff', { diffId, comment }),
  },
  'config_versions.raw_yaml': { start: 'model: m\n# ', write: (yaml) => configuration({ yaml }) },
  'scenarios.external_id': { write: (externalId) => scenario({ externalId }) },
  'scenarios.source': { write: (source) => scenario({ source }) },
  'scenarios.name': { write: (name) => scenario({ name }) },
  'scenarios.task_prompt': { write: (taskPrompt) => scenario({ taskPrompt }) },
  'simulations.simulation_name': { write: (name) => simulation({ name }) },
  'simulations.description': {
    write: (description) => refusalOf('describeSimulation', { simulationId, description }),
  },
  'simulations.modal_app_id': { write: (modalAppId) => simulation({ modalAppId }) },
  'simulations.modal_environment': { write: (modalEnvironment) => simulation({ modalEnvironment }) },
  'simulations.error_message': {
    isCut: true,
    write: async (errorMessage) => {
      const failing = await tenant.simulation(['a'])
      return refusalOf('failSimulation', { simulationId: failing, errorMessage })
    },
  },
  'failure_patterns.failure_type': {
    write: (failureType) => outcome({ failurePatterns: [{ ...failure, failureType }] }),
  },
  'failure_patterns.error_message': { isCut: true, write: (error) => outcome({ error }) },
  'tool_usage.tool_name': { write: (toolName) => outcome({ toolUsage: [{ ...tool, toolName }] }) },
  'recommendations.dismissal_reason': {
    write: async (reason) => {
      const { recommendationId } = await advice()
      return refusalOf('dismissRecommendation', { recommendationId, reason })
    },
  },
  'recommendations.description': { write: (description) => recommendation({ description }) },
  'alert_rules.name': {
    write: (name) => refusalOf('createAlertRule', { name, kind: 'COST_PER_DAY', threshold: 1 }),
  },
  'api_keys.name': { write: (name) => refusalOf('createApiKey', { name, scope: 'ALL' }) },
}

/** Columns with a check whose texts no caller gives, or that take no such characters. */
const MADE_HERE = [
  'change_effects.path',
  'change_effects.value_after',
  'change_effects.value_before',
  'diff_changes.path',
  'diff_changes.value_after',
  'diff_changes.value_before',
  'embeddings.subject',
  'embeddings.text_sha256',
  'config_diffs.diff_yaml',
  'alert_events.error',
  'recommendation_evidence.summary',
  'recommendation_evidence.tool_name',
  'recommendations.obsolete_reason',
  'recommendations.worded_by',
  'alert_rules.webhook_url',
  'api_keys.prefix',
  'api_keys.secret_hash',
  'failure_group_notes.signature',
  'failure_grouping_models.model',
  'scenarios.scenario_id',
]

const label = { unit: 'characters', max: LENGTHS.label.max } as const
/** Fields that only the server limits. */
const OURS: Record<string, Field & { unit: 'characters' | 'bytes'; max: number }> = {
  'store.outcomes.model': { ...label, write: (model) => outcome({ model }) },
  'store.outcomes.modal_call_id': { ...label, write: (modalCallId) => outcome({ modalCallId }) },
  'store.outcomes.sandbox_id': { ...label, write: (sandboxId) => outcome({ sandboxId }) },
  'store.outcomes.error_code': {
    ...label,
    write: (errorCode) => outcome({ errorCode, failurePatterns: [failure] }),
  },
  'failure_patterns.resolution_steps': {
    unit: 'characters',
    max: LENGTHS.message.max,
    isCut: true,
    write: (resolutionSteps) => outcome({ failurePatterns: [{ ...failure, resolutionSteps }] }),
  },
  'tool_usage.error_types': {
    unit: 'characters',
    max: LENGTHS.errorType.max,
    write: (type) => outcome({ toolUsage: [{ ...tool, errorTypes: [type] }] }),
  },
  'scenarios.tags': {
    unit: 'characters',
    max: LENGTHS.tag.max,
    write: (tag) => scenario({ tags: [tag] }),
  },
  'recommendations.description': {
    unit: 'characters',
    max: LENGTHS.description.max,
    write: (description) => recommendation({ description }),
  },
  'recommendations.suggested_yaml_changes': {
    unit: 'bytes',
    max: BYTES.change,
    write: (suggestedYamlChanges) => recommendation({ suggestedYamlChanges }),
  },
}

/** A text of so many characters, or bytes, nearly all of them emoji. */
function textOf(unit: 'characters' | 'bytes', length: number, start = ''): string {
  if (unit === 'characters') return start + '😀'.repeat(length - start.length)
  const room = length - start.length
  return start + 'x'.repeat(room % 4) + '😀'.repeat(room >> 2)
}

/** Whether a row of the tenant holds the text; of a list, as one of its texts. */
async function isStored(column: string, text: string): Promise<boolean> {
  const [, table, name] = /^(.+)\.(\w+)$/.exec(column)!
  const is = ['tags', 'error_types'].includes(name!) ? `$2 = any(${name})` : `${name} = $2`
  const { rows } = await arc.sql('admin', async (client) => {
    await client.query('begin')
    await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
    const found = await client.query(`select from ${table} where user_id = $1 and ${is}`, [
      tenant.tenantId,
      text,
    ])
    await client.query('commit')
    return found
  })
  return rows.length > 0
}

async function expectLongest(
  column: string,
  unit: 'characters' | 'bytes',
  max: number,
  field: Field,
): Promise<void> {
  const { start, isCut, write } = field
  const longest = textOf(unit, max, start)
  const longer = textOf(unit, max + 1, start)
  if (isCut) {
    expect(await write(longer)).toBeUndefined()
  } else {
    expect(await write(longer)).toEqual({
      code: unit === 'bytes' ? 'TOO_LARGE' : 'INVALID_VALUE',
      message: expect.stringMatching(new RegExp(`\\b${max + 1} ${unit}.* must (be|have) .*\\b${max}\\b`)),
    })
    expect(await write(longest)).toBeUndefined()
  }
  expect(await isStored(column, longest)).toBe(true)
}

describe('the longest text that a table takes', () => {
  const limits = new Map<
    string,
    { unit: 'characters' | 'bytes'; min: number | undefined; max: number | undefined }
  >()
  beforeAll(async () => {
    const { rows } = await arc.sql('admin', (client) =>
      client.query<{ column: string; rule: string }>(
        // Domains are those of what an outcome's tools have.
        `select coalesce(relname || '.' || attname, 'tool_usage.' || typname) as column, pg_get_constraintdef(r.oid) as rule
        from pg_constraint r left join pg_class c on c.oid = conrelid left join pg_type t on t.oid = contypid
        left join pg_attribute on attrelid = conrelid and attnum = any(conkey)
        where contype = 'c' and connamespace::regnamespace::text in ('public', 'store') and relispartition is not true
          and pg_get_constraintdef(r.oid) ~ '(char|octet)_length'`,
      ),
    )
    for (const { column, rule } of rows) {
      const bound = (operator: string) => new RegExp(`_length\\(\\w+\\) ${operator} (\\d+)`).exec(rule)?.[1]
      const [min, max] = [bound('>='), bound('<=')]
      limits.set(column, {
        unit: rule.includes('octet_length') ? 'bytes' : 'characters',
        min: min === undefined ? undefined : Number(min),
        max: max === undefined ? undefined : Number(max),
      })
    }
  })

  it('is known here for every column with such a check', () => {
    expect([...limits.keys()].sort()).toEqual([...Object.keys(CHECKED), ...MADE_HERE].sort())
  })

  it.each(Object.entries(CHECKED))(
    '%s is stored, and refused by the server with one more',
    async (column, field) => {
      const { unit, min = 0, max } = limits.get(column)!
      expect([min, max]).not.toEqual([0, undefined])
      if (max !== undefined) await expectLongest(column, unit, max, field)
      if (min > 1) {
        expect(await field.write(textOf(unit, min - 1))).toEqual({
          code: 'INVALID_VALUE',
          message: expect.stringContaining(`but must be a string of ${min} to `),
        })
        expect(await field.write(textOf(unit, min))).toBeUndefined()
        expect(await isStored(column, textOf(unit, min))).toBe(true)
      }
    },
  )

  it.each(Object.entries(OURS))(
    '%s is stored where only the server counts',
    async (column, { unit, max, ...field }) => expectLongest(column, unit, max, field),
  )
})

describe('a reason', () => {
  it('why a simulation was cancelled is cut as that of a failed one', async () => {
    const cancelled = await tenant.simulation(['a'])
    const reason = '😀'.repeat(10_001)
    expect(await refusalOf('cancelSimulation', { simulationId: cancelled, reason })).toBeUndefined()
    const { simulation } = await tenant.data(`{ simulation(simulationId: "${cancelled}") { errorMessage } }`)
    expect(simulation.errorMessage).toBe('😀'.repeat(10_000))
  })
})

describe('the name of a scenario', () => {
  it('that has none is as much of its id as fits', async () => {
    expect(
      await refusalOf('upsertScenarios', {
        scenarios: [{ externalId: `x${'😀'.repeat(300)}`, taskPrompt: 'Do.' }],
      }),
    ).toBeUndefined()
    expect(await isStored('scenarios.name', `x${'😀'.repeat(199)}`)).toBe(true)
  })
})
