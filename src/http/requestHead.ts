import type { IncomingMessage, ServerResponse } from 'node:http'
import { RequestRefused } from './errors.ts'

/**
 * Brings what a request's head says into the form that everything behind it reads: the target as a path (RFC 9112, 3.2.2:
 * a server must take an absolute one), media types in the order in which the client wants them.
 *
 * @throws RequestRefused for a head from which no address can be made.
 */
export function normaliseHead(request: IncomingMessage): void {
  const { url = '/', headers } = request
  if (/^https?:\/\//i.test(url)) {
    if (!URL.canParse(url)) throw badHead('The target of the request is not an address.')
    const { host, pathname, search } = new URL(url)
    request.url = pathname + search
    // It counts instead of the header.
    headers.host = host
  }
  if (headers.host === undefined ? request.httpVersion === '1.1' : !isHost(headers.host))
    throw badHead('The header Host is not the name of a server.')
  if (headers.accept !== undefined) headers.accept = inOrder(headers.accept)
}

function badHead(message: string): RequestRefused {
  return new RequestRefused(400, 'BAD_REQUEST', message)
}

/** Of what a URL would take, only a name and a port: no user, no path. */
function isHost(host: string): boolean {
  return /^[^\s/?#@\\]*$/.test(host) && URL.canParse(`http://${host || 'localhost'}`)
}

interface MediaRange {
  type: string
  weight: number
}

/** The ranges that the client takes, those it wants most first (RFC 9110, 12.5.1); answers are in UTF-8 alone. */
function inOrder(accept: string): string {
  return accept
    .split(',')
    .map(rangeOf)
    .filter(({ type, weight }) => type !== '' && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ type }) => type)
    .join(', ')
}

function rangeOf(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const value = (name: string) => {
    const parameter = parameters.find((candidate) => candidate.startsWith(`${name}=`))
    return parameter?.slice(name.length + 1).replaceAll('"', '')
  }
  const charset = value('charset')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') return { type, weight: 0 }
  const weight = Number(value('q') ?? 1)
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 1 }
}

const ANSWERS = ['application/graphql-response+json', 'application/json', 'text/event-stream']

/** Whether the client takes any of what answers can be: else it gets 406. */
export function takesAnswer(request: IncomingMessage): boolean {
  return ANSWERS.some((type) => takes(request, type))
}

export function takesStream(request: IncomingMessage): boolean {
  return takes(request, 'text/event-stream')
}

/** The type of an answer that is JSON, the one that the client wants most; undefined where it takes none. */
export function jsonTypeFor({ headers }: IncomingMessage): string | undefined {
  for (const range of rangesOf(headers.accept ?? '*/*')) {
    if (range === 'application/graphql-response+json') return range
    if (['application/json', 'application/*', '*/*'].includes(range)) return 'application/json'
  }
  return undefined
}

/** As browsers ask for pages. */
export function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && rangesOf(headers.accept ?? '').includes('text/html')
}

function takes({ headers }: IncomingMessage, type: string): boolean {
  const ranges = rangesOf(headers.accept ?? '*/*')
  return [type, `${type.split('/', 1)[0]}/*`, '*/*'].some((range) => ranges.includes(range))
}

function rangesOf(accept: string): string[] {
  return accept.split(', ')
}

/** Of those that were not told so yet, whose connection may stay as far as the client is concerned. */
const staying = new WeakSet<ServerResponse>()

/** A client may wait to be told that its body will be read (RFC 9110, 10.1.1): it is, once nothing speaks against it. */
export function welcome({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.expect?.toLowerCase() !== '100-continue') return
  response.shouldKeepAlive = staying.has(response)
  response.writeContinue()
}

/** One that was not told so may send its body or not: what comes next on its connection would be a guess. */
export function untilWelcome(response: ServerResponse): void {
  if (response.shouldKeepAlive) staying.add(response)
  response.shouldKeepAlive = false
}
