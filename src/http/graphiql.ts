import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** Stands in the page's options where the script below has to go. */
const HEADERS_PLACEHOLDER = 'arc-headers'

/**
 * A link may bring the token behind the #, which browsers don't send to any server. It leaves the address bar at once
 * and stays for the tab's life.
 */
const READ_TOKEN = `(() => {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given) {
    sessionStorage.setItem('arc-token', given)
    history.replaceState(null, '', location.pathname + location.search)
  }
  const token = sessionStorage.getItem('arc-token')
  return token ? { authorization: 'Bearer ' + token } : {}
})()`

// Without a name: GraphiQL asks for an operation by the name that it last read, a moment after another was pasted.
const DEFAULT_QUERY = `# Arc: evaluations of AI agents. Ctrl-Enter runs the operation at the cursor.
# The schema is behind the book symbol at the top left.

{
  simulations(first: 5) {
    nodes {
      simulationId
      simulationName
      status
      completionPercent
      currentScore
      totalCostUsd
      configVersion {
        model
        configuration {
          name
        }
      }
    }
  }
}
`

const deflate = promisify(gzip)

interface Page {
  body: Buffer
  headers: Record<string, string>
}

/**
 * Answers with GraphiQL's page. It is the same for everybody, and large: made and compressed once, when it is first asked for, and
 * sent to a browser that has it no second time.
 */
export function createGraphiQLPage(): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  let made: Promise<Page> | undefined
  let compressed: Promise<Buffer> | undefined
  return async (request, response) => {
    made ??= makePage()
    const { body: page, headers } = await made
    if (request.headers['if-none-match'] === headers.etag) {
      response.writeHead(304, headers).end()
      return
    }
    const isCompressed = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|\s|$))/i.test(
      String(request.headers['accept-encoding'] ?? ''),
    )
    compressed ??= isCompressed ? deflate(page) : undefined
    const body = isCompressed ? await compressed! : page
    response
      .writeHead(200, {
        ...headers,
        'content-length': body.length,
        ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
      })
      .end(body)
  }
}

async function makePage(): Promise<Page> {
  const body = Buffer.from(await renderArcGraphiQL())
  return {
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      vary: 'Accept, Accept-Encoding',
      etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
      ...headersOfPage(body.toString()),
    },
  }
}

/** GraphiQL in one page that loads nothing from elsewhere. Subscriptions go over server-sent events. */
async function renderArcGraphiQL(): Promise<string> {
  // 30 MB of text stay with it, which a server that nobody looks at in a browser has no use for.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const page = renderGraphiQL({
    title: 'Arc · GraphiQL',
    defaultQuery: DEFAULT_QUERY,
    subscriptionsProtocol: 'SSE',
    additionalHeaders: HEADERS_PLACEHOLDER as never,
  })
  const placeholder = `"additionalHeaders":"${HEADERS_PLACEHOLDER}"`
  if (!page.includes(placeholder))
    throw new Error('GraphiQL writes its options in another way: the token cannot be handed to it')
  return page.replace(placeholder, () => `"additionalHeaders":${READ_TOKEN}`)
}

/**
 * What browsers let the page do: run the scripts that it brings and no others, speak to this server alone, and stand in
 * no frame of another page.
 */
function headersOfPage(page: string): Record<string, string> {
  const hashes = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script]) => `'sha256-${createHash('sha256').update(script!).digest('base64')}'`,
  )
  return {
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${hashes.join(' ')}`,
      // The editor's workers are made from texts of the page.
      'worker-src blob:',
      "style-src 'unsafe-inline'",
      'font-src data:',
      'img-src data:',
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  }
}
