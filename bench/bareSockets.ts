import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { memoryNow } from './memory.ts'

// The child process of the benchmark that is the floor of sockets: the same library sends one text to all who are there, with
// no token, no subscription, no database and no GraphQL.
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
server.on('connection', (socket) => {
  socket.on('error', () => {})
  // As the first event of a subscription.
  socket.on('message', () => socket.send(eventText(1)))
})
process.on('message', async (question: string) => {
  if (question === 'memory') {
    process.send!(await memoryNow())
    return
  }
  const text = eventText(Number(question))
  for (const socket of server.clients) socket.send(text)
  process.send!(null)
})
process.once('disconnect', () => process.exit())
server.on('listening', () => {
  const { port } = server.address() as AddressInfo
  process.send!({ url: `ws://127.0.0.1:${port}` })
})

function eventText(seq: number): string {
  return JSON.stringify({ id: '1', type: 'next', payload: { data: { simulationEvents: { seq } } } })
}
