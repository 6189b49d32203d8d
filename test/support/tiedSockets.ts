import type { Socket } from 'node:net'

/** What ends one of the two ends the other. `onClose` is called for each. */
export function tieTogether(client: Socket, upstream: Socket, onClose: () => void): void {
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    // 'close' follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      onClose()
      other.destroy()
    })
  }
}
