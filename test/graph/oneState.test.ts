import { describe, expect, it } from 'vitest'
import { useArcBehindProxy } from '../support/databaseProxy.ts'

// By resolvers: what is compiled leaves at once, and its statements are not held one without the other.
const { arc, proxy } = await useArcBehindProxy({ ARC_COMPILED_READS: 'off' })

// PGlite serves one transaction at a time: nothing can be stored between two reads of one.
describe.skipIf(arc.onPGlite)('the fields of a query', () => {
  const QUERY = `{
    listed: scenarios { nodes { scenarioId } }
    counted: configVersions(first: 1, filter: { parsedConfig: [{ path: ["model"] }] }) { totalCount }
    below: configurations { nodes { versions { totalCount } } }
  }`

  // Each comes when its list was read: behind the statements of the other fields that read a list.
  it.each(['/* count config_versions */', '/* countByParent config_versions */'])(
    'show one state of the database, whatever is stored between their statements (%s)',
    async (statement) => {
      const tenant = arc.tenant()
      const { configId } = await tenant.configVersion()
      await tenant.scenarios('a', 'b')
      const before = await tenant.data(QUERY)
      const holding = proxy.hold(statement)
      const asking = tenant.data(QUERY)
      const held = await holding
      try {
        await tenant.scenarios('c')
        await tenant.data(
          `mutation ($configId: UUID!) {
            createConfigVersion(input: { configId: $configId, yaml: "model: other" }) { errors { code } }
          }`,
          { configId },
        )
        await expect(tenant.data(QUERY)).resolves.not.toEqual(before)
      } finally {
        held.forward()
      }
      expect(await asking).toEqual(before)
      expect(await tenant.data(QUERY)).toEqual({
        listed: { nodes: ['c', 'b', 'a'].map((scenarioId) => ({ scenarioId })) },
        counted: { totalCount: 2 },
        below: { nodes: [{ versions: { totalCount: 2 } }] },
      })
    },
  )
})
