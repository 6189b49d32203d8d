import { afterAll, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { GraphQLSocket, type Result } from '../support/graphqlWs.ts'

const arc = useArc()
const sockets: GraphQLSocket[] = []
afterAll(() => Promise.all(sockets.map((socket) => socket.close())))

it('an event is read once for all who ask the same of it with the same rights', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a', 'b'])
  const watch = async (role: 'app_user' | 'app_readonly', fields: string) => {
    const socket = new GraphQLSocket(arc.webSocketUrl, {
      authorization: `Bearer ${await tenant.token(role)}`,
    })
    sockets.push(socket)
    const results = socket.results(
      `subscription ($simulationId: UUID!) {
        simulationEvents(simulationId: $simulationId) { seq simulation { ${fields} } }
      }`,
      { simulationId },
    )
    await results.next()
    return results
  }
  const subscriptions: AsyncIterableIterator<Result>[] = []
  for (let number = 0; number < 5; number++) subscriptions.push(await watch('app_user', 'succeededScenarios'))
  subscriptions.push(await watch('app_readonly', 'succeededScenarios'))
  subscriptions.push(await watch('app_user', 'succeededScenarios status'))

  let seen: unknown[] = []
  const statements = await arc.statementsDuring(async () => {
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    seen = await Promise.all(
      subscriptions.map(async (results) => (await results.next()).value.data.simulationEvents),
    )
  })

  const event = { seq: 2, simulation: { succeededScenarios: 1 } }
  const wider = { seq: 2, simulation: { succeededScenarios: 1, status: 'RUNNING' } }
  expect(seen).toEqual([event, event, event, event, event, event, wider])
  expect(statements.filter((statement) => statement.includes('/* answer */'))).toHaveLength(3)
})
