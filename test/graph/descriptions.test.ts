import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

const described = async (tenant: Tenant, kind: 'Simulation' | 'Configuration', input: object) => {
  const { done } = await tenant.data(
    `mutation ($input: Describe${kind}Input!) {
      done: describe${kind}(input: $input) { it: ${kind.toLowerCase()} { name${kind === 'Simulation' ? ': simulationName' : ''} description tags } errors { code path } }
    }`,
    { input },
  )
  return done
}

describe('a simulation', () => {
  it('is renamed, described and tagged while it runs and when it has ended; what is left out stays', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { name: 'kite', priority: 7, metadata: { wind: 3 } })
    expect(
      await described(tenant, 'Simulation', {
        simulationId,
        name: ' kites ',
        tags: ['b', 'a', 'b'],
        description: 'High.',
      }),
    ).toEqual({ it: { name: 'kites', description: 'High.', tags: ['b', 'a'] }, errors: [] })
    await tenant.data(
      `mutation ($id: UUID!) { cancelSimulation(input: { simulationId: $id }) { errors { message } } }`,
      { id: simulationId },
    )
    expect(await described(tenant, 'Simulation', { simulationId, description: null })).toEqual({
      it: { name: 'kites', description: null, tags: ['b', 'a'] },
      errors: [],
    })
    const { simulation, simulations, auditLog } = await tenant.data(
      `query ($id: UUID!) {
        simulation(simulationId: $id) { status priority metadata eventSeq }
        simulations(filter: { tags: { hasSome: ["a"] } }) { nodes { simulationName } }
        auditLog(filter: { tableName: { eq: "simulations" } }) { nodes { operation oldData newData } }
      }`,
      { id: simulationId },
    )
    expect(simulation).toEqual({ status: 'CANCELLED', priority: 7, metadata: { wind: 3 }, eventSeq: 2 })
    expect(simulations.nodes).toEqual([{ simulationName: 'kites' }])
    expect(auditLog.nodes).toMatchObject([
      { operation: 'UPDATE', oldData: { description: 'High.' }, newData: { description: null } },
      { operation: 'UPDATE', newData: { status: 'cancelled' } },
      { operation: 'UPDATE', oldData: { simulation_name: 'kite' }, newData: { simulation_name: 'kites' } },
      { operation: 'INSERT' },
    ])
  })

  it.each([
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ description: 'x'.repeat(10_001) }, 'description'],
    [{ tags: Array.from({ length: 21 }, (_, n) => `${n}`) }, 'tags'],
    [{ tags: [''] }, 'tags'],
    [{ priority: 11 }, 'priority'],
  ])('refuses %o and changes nothing', async (input, field) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { name: 'kite' })
    const { errors } = await described(tenant, 'Simulation', { simulationId, ...input })
    expect(errors).toMatchObject([{ code: 'INVALID_VALUE', path: expect.arrayContaining([field]) }])
  })
})

describe('a configuration', () => {
  it('is renamed, described and tagged, unless an active one has the name', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('kite')
    await tenant.configVersion('string')
    expect(
      await described(tenant, 'Configuration', {
        configId,
        name: 'kites',
        tags: ['a'],
        description: 'High.',
      }),
    ).toEqual({ it: { name: 'kites', description: 'High.', tags: ['a'] }, errors: [] })
    expect((await described(tenant, 'Configuration', { configId, name: 'string' })).errors).toEqual([
      { code: 'NAME_TAKEN', path: ['name'] },
    ])
    expect((await described(tenant, 'Configuration', { configId, name: 'x' })).errors).toEqual([
      { code: 'INVALID_VALUE', path: ['name'] },
    ])
    const { configurations } = await tenant.data(
      `{ configurations(filter: { tags: { hasEvery: ["a"] } }) { nodes { name description } } }`,
    )
    expect(configurations.nodes).toEqual([{ name: 'kites', description: 'High.' }])
  })
})

describe('what is new', () => {
  const create = (tenant: Tenant, input: object) =>
    tenant
      .data(
        `mutation ($input: CreateConfigurationInput!) {
          createConfiguration(input: $input) {
            configuration { configId description tags } version { versionId } errors { code path }
          }
        }`,
        { input: { name: 'kite', yaml: 'model: m', ...input } },
      )
      .then(({ createConfiguration }) => createConfiguration)

  it('is described and tagged from the beginning', async () => {
    const tenant = arc.tenant()
    await tenant.scenarios('a')
    const { configuration, version } = await create(tenant, { description: 'High.', tags: ['b ', 'a', 'b'] })
    expect(configuration).toMatchObject({ description: 'High.', tags: ['b', 'a'] })
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { description tags } errors { code path } }
      }`,
      {
        input: {
          configVersionId: version.versionId,
          scenarioIds: ['a'],
          description: 'In the wind.',
          tags: ['a', ' c', 'a'],
        },
      },
    )
    expect(startSimulation).toEqual({
      simulation: { description: 'In the wind.', tags: ['a', 'c'] },
      errors: [],
    })
  })

  it.each([
    [{ description: 'x'.repeat(10_001) }, 'description'],
    [{ tags: [''] }, 'tags'],
  ])('is refused with %o', async (input, field) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { configuration, errors } = await create(tenant, input)
    expect({ configuration, errors }).toMatchObject({
      configuration: null,
      errors: [{ code: 'INVALID_VALUE', path: expect.arrayContaining([field]) }],
    })
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { simulationId } errors { code path } }
      }`,
      { input: { configVersionId: simulationId, scenarioIds: ['a'], ...input } },
    )
    expect(startSimulation).toMatchObject({
      simulation: null,
      errors: [{ code: 'INVALID_VALUE', path: expect.arrayContaining([field]) }],
    })
  })
})

describe('a version that is withdrawn', () => {
  it('runs nothing new, is not the latest, and what ran it stays', async () => {
    const tenant = arc.tenant()
    const { configId, versionId } = await tenant.configVersion()
    const yaml = 'model: gpt-5\ntemperature: 0.5\n'
    const create = async () => {
      const { createConfigVersion } = await tenant.data(
        `mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { created version { versionId versionNumber } } }`,
        { input: { configId, yaml } },
      )
      return createConfigVersion
    }
    const second = (await create()).version.versionId
    await tenant.scenarios('a')
    const start = async (configVersionId: string) => {
      const { startSimulation } = await tenant.data(
        `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { errors { code path } } }`,
        { input: { configVersionId, scenarioIds: ['a'] } },
      )
      return startSimulation.errors
    }
    expect(await start(second)).toEqual([])
    const withdraw = async (input: object) => {
      const { withdrawConfigVersion } = await tenant.data(
        `mutation ($input: WithdrawConfigVersionInput!) {
          withdrawConfigVersion(input: $input) {
            version { isDeleted configuration { latestVersion { versionId } } simulations { totalCount } } errors { code path }
          }
        }`,
        { input },
      )
      return withdrawConfigVersion
    }
    expect(await withdraw({ versionId: second })).toEqual({
      version: {
        isDeleted: true,
        configuration: { latestVersion: { versionId } },
        simulations: { totalCount: 1 },
      },
      errors: [],
    })
    expect(await start(second)).toEqual([{ code: 'CONFIG_VERSION_WITHDRAWN', path: ['configVersionId'] }])
    const { configVersions } = await tenant.data(
      `{ configVersions(filter: { isDeleted: false }) { nodes { versionId } } }`,
    )
    expect(configVersions.nodes).toEqual([{ versionId }])
    // The same text again is a version that runs.
    expect(await create()).toMatchObject({ created: true, version: { versionNumber: 3 } })
    expect(await withdraw({ versionId: second, withdrawn: false })).toMatchObject({
      version: { isDeleted: false },
    })
    expect(await start(second)).toEqual([])
    expect((await withdraw({ versionId: '00000000-0000-4000-8000-000000000000' })).errors).toEqual([
      { code: 'CONFIG_VERSION_NOT_FOUND', path: ['versionId'] },
    ])
  })
})

describe('a note', () => {
  it('is written under an outcome, changed and deleted, and the audit log has what it said', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { receipts } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const { outcomeId } = receipts[0]
    const step = async (
      field: string,
      type: string,
      input: object,
      role: 'app_user' | 'app_readonly' = 'app_user',
    ) => {
      const { data, errors } = await tenant.ask(
        `mutation ($input: ${type}!) { done: ${field}(input: $input) { note { noteId text author } errors { code path } } }`,
        { input },
        role,
      )
      return data?.done ?? errors?.[0]?.extensions?.code
    }
    const add = (text: string) => step('addOutcomeNote', 'AddOutcomeNoteInput', { outcomeId, text })
    const { note } = await add('  The string broke.  ')
    expect(note).toMatchObject({ text: 'The string broke.', author: 'actor of app_user' })
    expect((await add('  ')).errors).toEqual([{ code: 'INVALID_VALUE', path: ['text'] }])
    expect((await add('x'.repeat(10_001))).errors).toEqual([{ code: 'INVALID_VALUE', path: ['text'] }])
    await add('Second.')
    const { noteId } = note
    expect(await step('editOutcomeNote', 'EditOutcomeNoteInput', { noteId, text: 'It held.' })).toMatchObject(
      {
        note: { text: 'It held.' },
      },
    )
    expect(await step('editOutcomeNote', 'EditOutcomeNoteInput', { noteId, text: 'x' }, 'app_readonly')).toBe(
      'FORBIDDEN',
    )
    const { outcome, outcomeNotes } = await tenant.data(
      `query ($outcomeId: UUID!) {
        outcome(outcomeId: $outcomeId) { notes { totalCount nodes { text outcome { status } } } }
        outcomeNotes(filter: { text: { contains: "held" } }) { nodes { noteId } }
      }`,
      { outcomeId },
    )
    expect(outcome.notes).toEqual({
      totalCount: 2,
      nodes: [
        { text: 'Second.', outcome: { status: 'SUCCESS' } },
        { text: 'It held.', outcome: { status: 'SUCCESS' } },
      ],
    })
    expect(outcomeNotes.nodes).toEqual([{ noteId }])
    expect(await step('deleteOutcomeNote', 'DeleteOutcomeNoteInput', { noteId })).toEqual({
      note: null,
      errors: [],
    })
    expect((await step('deleteOutcomeNote', 'DeleteOutcomeNoteInput', { noteId })).errors).toEqual([
      { code: 'NOTE_NOT_FOUND', path: ['noteId'] },
    ])
    const { auditLog } = await tenant.data(
      `{ auditLog(filter: { tableName: { eq: "outcome_notes" } }, orderBy: { field: TIMESTAMP, direction: ASC }) { nodes { operation oldData } } }`,
    )
    expect(auditLog.nodes).toMatchObject([
      { operation: 'INSERT' },
      { operation: 'INSERT' },
      { operation: 'UPDATE', oldData: { text: 'The string broke.' } },
      { operation: 'DELETE', oldData: { text: 'It held.' } },
    ])
  })
})
