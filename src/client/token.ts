/** A token, or what fetches one: called at first, and again when the server refuses the one before. */
export type Token = string | (() => string | Promise<string>)

/** The token in use. One that is refused is fetched anew once, however many requests were refused with it. */
export class TokenSource {
  readonly #given: Token
  #current: Promise<string> | undefined

  constructor(token: Token) {
    if (typeof token === 'string') checkToken(token)
    this.#given = token
  }

  current(): Promise<string> {
    if (this.#current) return this.#current
    const given = this.#given
    const fetching: Promise<string> = (async () => {
      const token = typeof given === 'string' ? given : await given()
      return checkToken(token)
    })()
    this.#current = fetching
    // The next request asks again.
    fetching.catch(() => this.#forget(fetching))
    return fetching
  }

  /** Whether there may be another token than this one, which the server refused. */
  async renew(refused: string): Promise<boolean> {
    if (typeof this.#given === 'string') return false
    const current = this.#current
    if (current && (await current.catch(() => undefined)) === refused) this.#forget(current)
    return true
  }

  #forget(token: Promise<string>): void {
    if (this.#current === token) this.#current = undefined
  }
}

/** `fetch` would quote in its error a header that it does not take: with the token in it. */
function checkToken(token: string): string {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token
  throw new TypeError(
    'The token must be a string of printable ASCII characters without spaces or line breaks, or a function that returns one.',
  )
}
