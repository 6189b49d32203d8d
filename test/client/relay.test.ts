import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc()
const require = createRequire(import.meta.url)
const COMPILER = require.resolve('relay-compiler/cli.js')

/** What Relay has no types of its own for. */
const CUSTOM_SCALARS = {
  DateTime: 'string',
  JSON: 'mixed',
  JSONObject: 'mixed',
  SafeInt: 'number',
  UUID: 'string',
  Usd: 'number',
}

let app: string
let compiled: { status: number | null; output: string }

/** Compiles a copy: the compiler writes beside its configuration, and its root must hold all it reads. */
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'arc-relay-'))
  await cp('test/fixtures/relay', join(app, 'src'), { recursive: true })
  await cp('schema.graphql', join(app, 'schema.graphql'))
  await writeFile(
    join(app, 'relay.config.json'),
    JSON.stringify({
      src: 'src',
      schema: 'schema.graphql',
      language: 'javascript',
      eagerEsModules: false,
      customScalarTypes: CUSTOM_SCALARS,
    }),
  )
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMPILER, '--noWatchman'], {
    cwd: app,
    encoding: 'utf8',
  })
  compiled = { status, output: stdout + stderr }
})
afterAll(() => rm(app, { recursive: true }))

/** The text that Relay sends for an operation. */
function textOf(operation: string): string {
  return require(join(app, 'src/__generated__', `${operation}.graphql.js`)).params.text
}

describe('relay-compiler', () => {
  it('compiles pages, refetching by id, a mutation and a subscription without a complaint', async () => {
    expect(compiled.output).not.toMatch(/error|✖|warn/i)
    expect(compiled.status).toBe(0)
    expect((await readdir(join(app, 'src/__generated__'))).sort()).toEqual(
      [
        'SimulationsCancelMutation',
        'SimulationsNodeQuery',
        'SimulationsOutcomesPaginationQuery',
        'SimulationsPaginationQuery',
        'SimulationsProgressSubscription',
        'SimulationsQuery',
        'SimulationsRowRefetchQuery',
        'Simulations_list',
        'Simulations_outcomes',
        'Simulations_row',
      ].map((name) => `${name}.graphql.js`),
    )
  })

  it('makes operations that the server answers', async () => {
    const tenant = arc.tenant()
    const made = [
      await tenant.simulation(['a']),
      await tenant.simulation(['a']),
      await tenant.simulation(['a']),
    ]
    const first = await tenant.data(textOf('SimulationsQuery'), { count: 2 })
    expect(first.simulations).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } })
    const { endCursor } = first.simulations.pageInfo
    const second = await tenant.data(textOf('SimulationsPaginationQuery'), { count: 2, cursor: endCursor })
    expect(second.simulations.edges).toHaveLength(1)

    const { id } = second.simulations.edges[0].node
    const refetched = await tenant.data(textOf('SimulationsRowRefetchQuery'), { id, outcomes: 1 })
    expect(refetched.node).toEqual(second.simulations.edges[0].node)
    const pages = await tenant.data(textOf('SimulationsOutcomesPaginationQuery'), { id, first: 1 })
    expect(pages.node.outcomes).toMatchObject({ edges: [], pageInfo: { hasNextPage: false } })
    const { node } = await tenant.data(textOf('SimulationsNodeQuery'), { id })
    expect(node).toMatchObject({ __typename: 'Simulation', id, status: 'RUNNING' })
    const { cancelSimulation } = await tenant.data(textOf('SimulationsCancelMutation'), {
      input: { simulationId: made[2] },
    })
    expect(cancelSimulation).toEqual({ simulation: { id, status: 'CANCELLED' }, errors: [] })
  })
})
