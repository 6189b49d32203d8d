import { Agent, request } from 'node:http'

/** Kept-open HTTP connections to one server. `node:http` itself: fetch takes twice the load generator's processor time. */
export class GraphQLConnections {
  readonly #agent: Agent
  readonly #url: string
  readonly #token: string

  constructor(url: string, token: string, connections: number) {
    this.#url = url
    this.#token = token
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** The answer's text. @throws for any status but 200. */
  post(body: Buffer | string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request(
        this.#url,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            authorization: `Bearer ${this.#token}`,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8')
            if (response.statusCode === 200) resolve(text)
            else reject(new Error(`${this.#url} answered ${response.statusCode}: ${text.slice(0, 500)}`))
          })
        },
      )
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server has closed a connection that was idle for seconds, just as it was to be used again.
        if (sent.reusedSocket && error.code === 'ECONNRESET') this.post(body).then(resolve, reject)
        else reject(error)
      })
      sent.end(body)
    })
  }

  /** The data of a GraphQL answer. @throws when there are errors. */
  async data<Data>(body: Buffer | string): Promise<Data> {
    const { data, errors } = JSON.parse(await this.post(body)) as { data: Data; errors?: unknown }
    if (errors) throw new Error(`GraphQL: ${JSON.stringify(errors).slice(0, 500)}`)
    return data
  }

  ask<Data>(query: string, variables: object): Promise<Data> {
    return this.data<Data>(JSON.stringify({ query, variables }))
  }

  close(): void {
    this.#agent.destroy()
  }
}
