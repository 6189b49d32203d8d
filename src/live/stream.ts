/**
 * An async iterator that ends at once when its consumer leaves: `return()` of a plain generator waits for the `await`
 * it stands in, which may be the next event of a simulation that never has one.
 *
 * `generate` gets a signal that says so, and has to watch it wherever it waits. `onEnd` is called once, however the
 * stream ends: also when its consumer leaves before it asked for anything, which a `finally` would not notice.
 */
export function stream<Item>(
  generate: (left: AbortSignal) => AsyncGenerator<Item, void>,
  onEnd: () => void,
): AsyncIterableIterator<Item> {
  const abort = new AbortController()
  const generator = generate(abort.signal)
  let ended = false
  const end = () => {
    if (ended) return
    ended = true
    abort.abort()
    onEnd()
  }
  return {
    async next() {
      try {
        const result = await generator.next()
        if (result.done) end()
        return result
      } catch (error) {
        end()
        throw error
      }
    },
    async return() {
      end()
      return generator.return()
    },
    async throw(error) {
      end()
      return generator.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
