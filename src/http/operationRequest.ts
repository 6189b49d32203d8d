import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExposureConfig, Limits } from '../config.ts'
import { parseExactly } from '../exactNumbers.ts'
import { MAX_KEY_LENGTH } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import type { Admission } from './admit.ts'
import { RequestRefused } from './errors.ts'
import { assertWithin } from './limits/assertWithin.ts'
import { type JsonOutline, outlineOf } from './limits/jsonOutline.ts'
import type { TenantShare } from './limits/tenantShare.ts'
import type { Holding, TenantSlots } from './limits/tenantSlots.ts'
import type { CheckedOperation, CheckOperation, OperationParams } from './operationCheck.ts'
import { readBodyText } from './requestBody.ts'
import { takesStream, welcome } from './requestHead.ts'

/** An operation that may run, and whose it is. */
export interface Admitted {
  viewer: Viewer
  checked: CheckedOperation
  /** Of the whole request. */
  bytes: number
}

interface Terms {
  admission: Admission
  checkOperation: CheckOperation
  share: TenantShare
  exposure: ExposureConfig
}

/** Reads the operation that a request asks for. @throws Refusal */
export type ReadOperation = (request: IncomingMessage, response: ServerResponse) => Promise<Admitted>

export function createOperationReader({ admission, checkOperation, share, exposure }: Terms): ReadOperation {
  const { limits } = exposure

  /** A body beyond the limit of all operations is only read into a tree when what it asks for may have one. */
  async function paramsOfBody(
    viewer: Viewer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Sent> {
    const { text, bytes } = await readBodyText(request, {
      limits,
      max: viewer.role === 'app_readonly' ? limits.bodyBytes : limits.ingestionBodyBytes,
      hold: holding(share.bodies, viewer, response),
      welcome: () => welcome(request, response),
    })
    const outline = outlineOf(text)
    if (bytes > limits.bodyBytes) checkOperation(headOf(text, outline, limits), bytes)
    holding(share.bodyValues, viewer, response)(outline.values)
    const params = jsonOf(text, 'The body is not JSON.', outline.hasLongNumber ? parseExactly : JSON.parse)
    if (typeof params !== 'object' || params === null || Array.isArray(params))
      throw new Refusal('BAD_REQUEST', 'The body must be a JSON object.')
    return { params, bytes }
  }

  // Admission comes before anything is read: without a token not even a wrong body is told of.
  return async (request, response) => {
    const viewer = await admission.admit(request)
    const { params, bytes } =
      request.method === 'GET' ? paramsOfAddress(request.url!) : await paramsOfBody(viewer, request, response)
    const checked = checkOperation(params, bytes)
    holding(share.tokens, viewer, response)(checked.tokens)
    const { operation } = checked.operation
    if (operation === 'subscription' && !takesStream(request))
      throw new RequestRefused(406, 'BAD_REQUEST', 'Subscriptions are answered as text/event-stream.')
    if (operation === 'mutation' && request.method === 'GET')
      throw new RequestRefused(405, 'BAD_REQUEST', 'Mutations are sent by POST.', { allow: 'POST' })
    // nginx would gather events until it has some kilobytes of them.
    if (operation === 'subscription') response.setHeader('x-accel-buffering', 'no')
    return { viewer, checked, bytes }
  }
}

/** As long as the response is not closed, for whatever reason, it has its share of what may be on the way. */
export function holding(slots: TenantSlots, { tenantId }: Viewer, response: ServerResponse): Holding['take'] {
  const held = slots.hold(tenantId)
  if (response.closed) held.giveBack()
  else response.once('close', held.giveBack)
  return held.take
}

/** The parameters of a POST's body or a GET's address. A list of them would be a batch, which there is none of. */
interface Sent {
  params: OperationParams
  /** Of the whole request. */
  bytes: number
}

function paramsOfAddress(url: string): Sent {
  const query = new URL(url, 'http://localhost').searchParams
  for (const name of new Set(query.keys()))
    if (query.getAll(name).length > 1)
      throw new Refusal('BAD_REQUEST', `The address has ${JSON.stringify(name)} twice.`)
  const texts = Object.fromEntries(query)
  const json = (text: string | undefined) =>
    text ? jsonOf(text, 'variables and extensions must be JSON.') : undefined
  return {
    params: { ...texts, variables: json(texts.variables), extensions: json(texts.extensions) },
    bytes: url.length,
  }
}

/** Without the variables, which are what makes a body large. */
const HEAD_FIELDS = ['query', 'operationName', 'documentId', 'doc_id', 'extensions'] as const

/**
 * What a large body asks for.
 *
 * @throws Refusal TOO_LARGE for one of so many values, or with such a key, that its tree would take far more than its length; BAD_REQUEST
 */
function headOf(text: string, { values, longestKey, fields }: JsonOutline, limits: Limits): OperationParams {
  assertWithin(limits, 'bodyValues', values, 'The body has', 'values', { code: 'TOO_LARGE' })
  if (longestKey > MAX_KEY_LENGTH)
    throw new Refusal(
      'TOO_LARGE',
      `The body has a key of ${longestKey} characters; at most ${MAX_KEY_LENGTH} are allowed.`,
    )
  const head: OperationParams = {}
  for (const name of HEAD_FIELDS) {
    const [start, end] = fields.get(name) ?? []
    if (start === undefined) continue
    assertWithin(limits, 'bodyBytes', end! - start, `The body's ${name} has`, 'characters', {
      code: 'TOO_LARGE',
    })
    head[name] = jsonOf(text.slice(start, end), 'The body is not JSON.')
  }
  return head
}

function jsonOf(text: string, otherwise: string, parse: (text: string) => unknown = parseExactly): unknown {
  try {
    return parse(text)
  } catch {
    throw new Refusal('BAD_REQUEST', otherwise)
  }
}
