import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type DocumentNode, type GraphQLFormattedError, print } from 'graphql'

/** A request that was not answered with data: what the server said, or what the network did. */
export class ArcRequestError extends Error {
  override name = 'ArcRequestError'
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly errors: readonly GraphQLFormattedError[]

  constructor(
    message: string,
    status: number,
    errors: readonly GraphQLFormattedError[] = [],
    cause?: unknown,
  ) {
    super(message, { cause })
    this.status = status
    this.errors = errors
  }
}

/** Sends typed operations to an Arc server. */
export class ArcClient {
  readonly url: string
  readonly #token: string

  constructor(options: { url: string; token: string }) {
    this.url = options.url
    this.#token = options.token
  }

  /**
   * The data of one operation.
   *
   * @throws ArcRequestError when there is no answer, or one with errors: then nothing of it is used.
   */
  async request<Result, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Result, Variables>,
    variables: Variables,
  ): Promise<Result> {
    const body = JSON.stringify({ query: textOf(document), variables })
    let response: Response
    let answer: string
    try {
      response = await fetch(this.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          authorization: `Bearer ${this.#token}`,
        },
        body,
      })
      answer = await response.text()
    } catch (error) {
      throw new ArcRequestError(`No answer from ${this.url}`, 0, [], error)
    }
    const { data, errors } = parsed(answer)
    if (errors && errors.length > 0) {
      throw new ArcRequestError(errors.map(({ message }) => message).join('; '), response.status, errors)
    }
    if (data === undefined || data === null) {
      throw new ArcRequestError(
        `${this.url} answered with status ${response.status} and no data: is GraphQL there?`,
        response.status,
      )
    }
    return data as Result
  }
}

const texts = new WeakMap<DocumentNode, string>()

function textOf(document: DocumentNode): string {
  let text = texts.get(document)
  if (text === undefined) {
    text = print(document)
    texts.set(document, text)
  }
  return text
}

function parsed(answer: string): { data?: unknown; errors?: GraphQLFormattedError[] } {
  try {
    return JSON.parse(answer)
  } catch {
    return {}
  }
}
