import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

async function mutate(tenant: Tenant, mutation: string, input: object, fields: string) {
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`
  const data = await tenant.data(
    `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${fields} errors { code message path } } }`,
    { input },
  )
  return data[mutation]
}

const RUN = 'simulation { simulationId createdAt startedAt completedAt runtimeMs status }'
const IN_2025 = ['2025-03-01T08:00:00.000Z', '2025-03-01T08:05:00.000Z', '2025-03-01T09:05:00.000Z'] as const
const [PLANNED, STARTED, ENDED] = IN_2025

describe('imported history', () => {
  it('keeps the times of its source: a run of last year does not stand in this hour', async () => {
    const tenant = arc.tenant()
    const before = new Date()
    const made = await mutate(
      tenant,
      'createConfiguration',
      { name: 'agent', yaml: 'model: m\ntemperature: 0\n', createdAt: PLANNED },
      'configuration { configId createdAt } version { versionId createdAt }',
    )
    expect([made.configuration.createdAt, made.version.createdAt]).toEqual([PLANNED, PLANNED])
    const { configId } = made.configuration
    const yaml = 'model: m\ntemperature: 1\n'
    const next = await mutate(
      tenant,
      'createConfigVersion',
      { configId, yaml, createdAt: STARTED },
      'version { versionId createdAt }',
    )
    expect(next.version.createdAt).toBe(STARTED)
    await mutate(
      tenant,
      'upsertScenarios',
      { scenarios: [{ scenarioId: 'a', taskPrompt: 'Do it.', createdAt: PLANNED }] },
      'receipts { status }',
    )
    const { simulation } = await mutate(
      tenant,
      'startSimulation',
      {
        configVersionId: next.version.versionId,
        scenarioIds: ['a'],
        createdAt: PLANNED,
        startedAt: STARTED,
      },
      RUN,
    )
    const { simulationId } = simulation
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS', executionTime: ENDED }])
    const ended = await mutate(tenant, 'completeSimulation', { simulationId, completedAt: ENDED }, RUN)
    expect(ended.simulation).toMatchObject({
      createdAt: PLANNED,
      startedAt: STARTED,
      completedAt: ENDED,
      runtimeMs: 3_600_000,
      status: 'COMPLETED',
    })
    const { systemPerformance, then, scenario, auditLog } = await tenant.data(
      `{ systemPerformance { totalCount }
        then: systemPerformance(filter: { createdAt: { lt: "2025-12-31T00:00:00Z" } }) { nodes { hour simulations } }
        scenario(scenarioId: "a") { createdAt }
        auditLog(filter: { tableName: { eq: "simulations" } }) { nodes { operation timestamp } } }`,
    )
    expect(systemPerformance.totalCount).toBe(0)
    expect(then.nodes).toEqual([{ hour: PLANNED, simulations: 1 }])
    expect(scenario.createdAt).toBe(PLANNED)
    // When it was really written.
    for (const { timestamp } of auditLog.nodes) {
      expect(new Date(timestamp).getTime()).toBeGreaterThan(before.getTime() - 60_000)
    }
  })

  it('began with its first outcome where it waited for that', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'], { createdAt: PLANNED, start: false })
    const outcome = { simulationId, status: 'SUCCESS', executionTime: ENDED }
    await tenant.record([
      { ...outcome, scenarioId: 'a' },
      { ...outcome, scenarioId: 'b', executionTimeMs: 3_600_000 },
    ])
    // What comes later moves nothing.
    await tenant.record([{ ...outcome, scenarioId: 'c', executionTime: PLANNED }])
    const ended = await mutate(tenant, 'completeSimulation', { simulationId, completedAt: ENDED }, RUN)
    expect(ended.simulation).toMatchObject({ startedAt: STARTED, completedAt: ENDED, runtimeMs: 3_600_000 })

    const early = await tenant.simulation(['a'], { createdAt: STARTED, start: false })
    await tenant.record([
      {
        simulationId: early,
        scenarioId: 'a',
        status: 'SUCCESS',
        executionTime: ENDED,
        executionTimeMs: 9_000_000,
      },
    ])
    const { simulation } = await mutate(
      tenant,
      'completeSimulation',
      { simulationId: early, completedAt: ENDED },
      RUN,
    )
    expect(simulation).toMatchObject({ createdAt: STARTED, startedAt: STARTED })
  })

  it('has not happened before it began, nor in the future', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const start = (input: object) =>
      mutate(tenant, 'startSimulation', { configVersionId: versionId, scenarioIds: ['a'], ...input }, RUN)
    const refusals = async (payload: Promise<any>) =>
      (await payload).errors.map(({ code, path }: any) => [code, path])
    const ahead = new Date(Date.now() + 3_600_000)
    expect(await refusals(start({ createdAt: ahead }))).toEqual([['TIME_IN_FUTURE', ['createdAt']]])
    expect(await refusals(start({ createdAt: ENDED, startedAt: STARTED }))).toEqual([
      ['INVALID_VALUE', ['startedAt']],
    ])
    expect(await refusals(start({ startedAt: STARTED, start: false }))).toEqual([
      ['INVALID_VALUE', ['startedAt']],
    ])
    const { simulation } = await start({ startedAt: STARTED })
    expect(simulation).toMatchObject({ createdAt: STARTED, startedAt: STARTED })
    const { simulationId } = simulation
    for (const [mutation, more] of [
      ['completeSimulation', {}],
      ['failSimulation', { errorMessage: 'x' }],
      ['cancelSimulation', {}],
    ] as const) {
      const end = (completedAt: string | Date) =>
        refusals(mutate(tenant, mutation, { simulationId, completedAt, ...more }, RUN))
      expect(await end(PLANNED)).toEqual([['INVALID_VALUE', ['completedAt']]])
      expect(await end(ahead)).toEqual([['TIME_IN_FUTURE', ['completedAt']]])
    }
    expect(
      await refusals(
        mutate(tenant, 'createConfiguration', { name: 'late', createdAt: ahead }, 'version { versionId }'),
      ),
    ).toEqual([['TIME_IN_FUTURE', ['createdAt']]])
    const { receipts } = await mutate(
      tenant,
      'upsertScenarios',
      { scenarios: [{ scenarioId: 'b', taskPrompt: 'x', createdAt: ahead }] },
      'receipts { status code path }',
    )
    expect(receipts).toEqual([{ status: 'REJECTED', code: 'TIME_IN_FUTURE', path: ['createdAt'] }])
  })

  it('of a clock that is a little ahead is now', async () => {
    const tenant = arc.tenant()
    const soon = new Date(Date.now() + 60_000)
    const { errors, configuration } = await mutate(
      tenant,
      'createConfiguration',
      { name: 'agent', createdAt: soon },
      'configuration { createdAt }',
    )
    expect(errors).toEqual([])
    expect(new Date(configuration.createdAt).getTime()).toBeLessThan(soon.getTime())
  })
})

describe('a scenario that is described again', () => {
  const FULL = {
    scenarioId: 'a',
    taskPrompt: 'Do it.',
    name: 'A',
    source: 'bench',
    externalId: 'A/1',
    groundTruth: { answer: 42 },
    difficultyLevel: 'HARD',
    tags: ['x', 'y'],
    expectedTools: ['grep'],
    estimatedDurationMs: 7,
    metadata: { a: { b: [1] } },
  }
  const FIELDS =
    'scenarioId taskPrompt name source externalId groundTruth difficultyLevel tags expectedTools estimatedDurationMs metadata isActive revision'
  const upsert = async (tenant: Tenant, ...scenarios: object[]) =>
    (
      await mutate(
        tenant,
        'upsertScenarios',
        { scenarios },
        'receipts { scenarioId status revision code reason path }',
      )
    ).receipts
  const stored = async (tenant: Tenant) =>
    (await tenant.data(`{ scenario(scenarioId: "a") { ${FIELDS} } }`)).scenario

  it('keeps what is not named, loses what is null', async () => {
    const tenant = arc.tenant()
    await upsert(tenant, FULL)
    expect(await upsert(tenant, { scenarioId: 'a', taskPrompt: 'Do it.' })).toMatchObject([
      { status: 'DUPLICATE', revision: 1 },
    ])
    expect(await stored(tenant)).toEqual({ ...FULL, isActive: true, revision: 1 })
    expect(await upsert(tenant, { scenarioId: 'a', tags: ['z'] })).toMatchObject([{ status: 'STORED' }])
    expect(
      await upsert(tenant, { scenarioId: 'a', taskPrompt: 'Do better.', groundTruth: null }),
    ).toMatchObject([{ status: 'STORED', revision: 2 }])
    expect(await upsert(tenant, { scenarioId: 'a', isActive: false, name: null })).toMatchObject([
      { status: 'STORED', revision: 2 },
    ])
    expect(await stored(tenant)).toEqual({
      ...FULL,
      taskPrompt: 'Do better.',
      groundTruth: null,
      tags: ['z'],
      name: 'a',
      isActive: false,
      revision: 2,
    })
  })

  it('needs a prompt when it is new', async () => {
    const tenant = arc.tenant()
    expect(
      await upsert(tenant, { scenarioId: 'a', tags: ['z'] }, { scenarioId: 'b', taskPrompt: 'x' }),
    ).toMatchObject([
      { status: 'REJECTED', code: 'INVALID_VALUE', path: ['taskPrompt'], scenarioId: 'a' },
      { status: 'STORED', scenarioId: 'b' },
    ])
  })

  it('by two at once keeps what either names', async () => {
    const tenant = arc.tenant()
    await upsert(tenant, FULL)
    await Promise.all([
      upsert(tenant, { scenarioId: 'a', name: 'renamed' }),
      upsert(tenant, { scenarioId: 'a', tags: ['tagged'] }),
      upsert(tenant, { scenarioId: 'a', source: 'found' }),
    ])
    expect(await stored(tenant)).toMatchObject({ name: 'renamed', tags: ['tagged'], source: 'found' })
  })
})

it('an archived configuration takes no version and no run until it is restored', async () => {
  const tenant = arc.tenant()
  const { configId, versionId } = await tenant.configVersion()
  await tenant.scenarios('a')
  await mutate(tenant, 'archiveConfiguration', { configId }, 'configuration { isActive }')
  const attempts = () =>
    Promise.all([
      mutate(tenant, 'createConfigVersion', { configId, yaml: 'model: other\ntemperature: 0\n' }, 'created'),
      mutate(tenant, 'startSimulation', { configVersionId: versionId, scenarioIds: ['a'] }, 'created'),
    ])
  expect((await attempts()).map(({ errors }) => errors.map(({ code, path }: any) => [code, path]))).toEqual([
    [['CONFIGURATION_ARCHIVED', ['configId']]],
    [['CONFIGURATION_ARCHIVED', ['configVersionId']]],
  ])
  await mutate(tenant, 'restoreConfiguration', { configId }, 'configuration { isActive }')
  expect((await attempts()).map(({ created }) => created)).toEqual([true, true])
})

it('a simulation may have as many scenarios as its description says', async () => {
  const tenant = arc.tenant()
  const { versionId } = await tenant.configVersion()
  const start = async (count: number) => {
    const scenarioIds = Array.from({ length: count }, (_, index) => `s${index}`)
    const { data, errors } = await tenant.ask(
      'mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { errors { code } } }',
      { input: { configVersionId: versionId, scenarioIds } },
    )
    return errors?.[0]?.extensions.code ?? data.startSimulation.errors[0].code
  }
  // There are none of them, which nobody would say of too many.
  expect(await start(10_001)).toBe('SCENARIO_NOT_FOUND')
  expect(await start(100_000)).toBe('SCENARIO_NOT_FOUND')
  expect(await start(100_001)).toBe('LIMIT_EXCEEDED')
})
