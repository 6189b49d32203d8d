import { describe, expect, it } from 'vitest'
import {
  classifyFailure,
  deriveFailurePatterns,
  failureSignature,
  maskVariableParts,
} from '../../../src/evaluation/failures/failurePattern.ts'
import type { ErrorCategory } from '../../../src/evaluation/outcomeInput.ts'

describe('classifyFailure', () => {
  it.each<[ErrorCategory, string]>([
    ['timeout', 'Request timed out.'],
    ['timeout', 'asyncio.exceptions.TimeoutError'],
    ['timeout', 'DEADLINE_EXCEEDED: context deadline exceeded'],
    ['timeout', 'tool search timed out after 30s'],
    ['timeout', 'max_steps'],
    ['model_error', 'openai.RateLimitError: Error code: 429 - Rate limit reached for gpt-4o'],
    ['model_error', "This model's maximum context length is 128000 tokens"],
    ['model_error', 'The response was filtered by the content management policy'],
    ['model_error', 'The model refused to answer'],
    ['model_error', 'Malformed tool call: arguments are not valid JSON'],
    ['tool_error', 'Tool get_weather failed: city not found'],
    ['tool_error', 'function_call_error'],
    ['tool_error', 'bash: foo: command not found'],
    ['validation_error', "ValidationError: 'city' is a required property"],
    ['validation_error', 'AssertionError: expected 3 rows, got 2'],
    ['validation_error', 'output does not match the schema'],
    ['system_error', 'MemoryError: unable to allocate 4 GiB'],
    ['system_error', 'Connection refused'],
    ['system_error', 'HTTP 503 from upstream'],
    ['system_error', 'litellm.InternalServerError: DeepseekException'],
    ['sandbox_error', 'Sandbox terminated unexpectedly'],
    ['sandbox_error', 'modal.exception.RemoteError'],
    ['unknown', 'something went wrong'],
    ['unknown', 'Error: boom\n    at validateAnswer (answer.js:3:7)'],
  ])('%s: %s', (category, message) => {
    expect(classifyFailure(message, null, 'error')).toBe(category)
  })

  it('takes the given category first, then the status timeout, then the code, then the message', () => {
    expect(classifyFailure('Connection refused', 'RateLimitError', 'timeout', 'sandbox_error')).toBe(
      'sandbox_error',
    )
    expect(classifyFailure('Connection refused', 'RateLimitError', 'timeout')).toBe('timeout')
    expect(classifyFailure('Connection refused', 'RateLimitError', 'error')).toBe('model_error')
    expect(classifyFailure('Connection refused', 'E17', 'error')).toBe('system_error')
    expect(classifyFailure(null, null, 'error')).toBe('unknown')
    expect(classifyFailure(undefined, '', 'cancelled')).toBe('unknown')
  })

  it('reads the exception of a traceback, not the files in its frames', () => {
    const traceback = [
      'Traceback (most recent call last):',
      '  File "/usr/lib/python3.12/asyncio/timeouts.py", line 115, in __aexit__',
      '    raise TimeoutError from exc_val',
      '  File "/app/agent.py", line 3, in run',
      '    check(answer)',
      'pydantic.ValidationError: 1 problem in Answer',
    ].join('\n')
    expect(classifyFailure(traceback, null, 'error')).toBe('validation_error')
    expect(deriveFailurePatterns({ status: 'error', error: traceback })[0]?.failureType).toBe(
      'ValidationError',
    )
  })
})

describe('maskVariableParts', () => {
  it.each([
    ['run 018f3c4e-7b1a-7c3d-9e5f-0123456789ab failed', 'run <id> failed'],
    ['call_9W32CcbGYH05R6Bz8KP4iw9a has no result', 'call_<id> has no result'],
    ['req-AbcdefGhijklmnopqr7stuvw is lost', 'req-<id> is lost'],
    ['commit 3f2a9bc1d0 not found', 'commit <id> not found'],
    ['took 1,234.5 ms, limit -20 or 1e-05', 'took <n> ms, limit <n> or <n>'],
    ['Plan with ID P1006 not found', 'Plan with ID P<n> not found'],
    ['open /tmp/run-17/out.json: no such file', 'open <path>: no such file'],
    ['File "C:\\Users\\me\\a.py", line 12', 'File "<path>", line <n>'],
    ['in src/agent/loop.py:42 or ~/notes', 'in <path>:<n> or <path>'],
    ['GET https://api.example.com/v1/users?id=3 failed', 'GET <url> failed'],
    ['at 2025-08-01T15:09:50.853570+00:00 and 12:30:45', 'at <time> and <time>'],
    ['mail to jane.doe+1@example.co.uk bounced', 'mail to <email> bounced'],
    ['dial 10.0.0.12:5432 and fe80::1ff:fe23:4567:890a', 'dial <ip> and <ip>'],
    ['<Agent object at 0x7f3a2c0011d0>', '<Agent object at <address>>'],
    ['  two\n\n   lines\t', 'two lines'],
  ])('%s', (text, masked) => {
    expect(maskVariableParts(text)).toBe(masked)
  })

  it.each([
    "KeyError: 'user_id'",
    'std::bad_alloc in input/output and/or application/json',
    'HTTP 404, status code: 500, exit code 137, [Errno 2], HTTP/1.1 502',
    'S3UploadError while base: deadlock',
  ])('leaves what names the failure: %s', (text) => {
    expect(maskVariableParts(text)).toBe(text.replace('S3U', 'S<n>U'))
  })

  it.each(['a', 'a.', 'a/', 'a@', 'a:', 'a+', '1a', '../', '//', ' ', '\n', 'code '])(
    'takes linear time on long texts without spaces: %j (else this does not end in time)',
    (unit) => {
      expect(maskVariableParts(`${unit.repeat(300_000 / unit.length)} deadlock`)).toMatch(/deadlock$/)
    },
  )
})

describe('failureSignature', () => {
  const message = (user: string, attempts: number, host: string) =>
    `ToolError: no reservation for ${user} after ${attempts} attempts at https://${host}/v1`

  it('is equal for one failure with other ids, numbers and places', () => {
    const first = failureSignature(
      'ToolError',
      message('018f3c4e-7b1a-7c3d-9e5f-0123456789ab', 3, 'a.example'),
    )
    const second = failureSignature(
      'ToolError',
      message('018f3c4e-7b1a-7c3d-9e5f-ba9876543210', 12, 'b.example'),
    )
    expect(first).toBe(second)
    expect(first).toMatch(/^[0-9a-f]{32}$/)
  })

  it('differs for different failures', () => {
    const signatures = [
      failureSignature('KeyError', "KeyError: 'user_id'"),
      failureSignature('KeyError', "KeyError: 'email'"),
      failureSignature('tool_error', "KeyError: 'email'"),
      failureSignature('http', 'HTTP 404'),
      failureSignature('http', 'HTTP 500'),
      failureSignature('http', null),
    ]
    expect(new Set(signatures).size).toBe(signatures.length)
  })
})

describe('deriveFailurePatterns', () => {
  it('names the pattern by the error code, else by the exception class, else by the category', () => {
    const typeOf = (error: string, errorCode: string | null = null) =>
      deriveFailurePatterns({ status: 'error', error, errorCode })[0]?.failureType
    expect(typeOf('ValueError: bad city', 'E_CITY')).toBe('E_CITY')
    expect(typeOf('ValueError: bad city')).toBe('ValueError')
    expect(typeOf('openai.OSError(2)')).toBe('OSError')
    expect(typeOf('Uncaught TypeError: x is not a function\n    at run (a.js:1:2)')).toBe('TypeError')
    expect(typeOf('subprocess.TimeoutExpired: Command')).toBe('TimeoutExpired')
    expect(typeOf('Error: tool failed')).toBe('tool_error')
    expect(typeOf('Note: the agent gave up')).toBe('unknown')
    expect(typeOf('x', 'C'.repeat(200))).toHaveLength(100)
  })

  it('gives the whole pattern', () => {
    expect(deriveFailurePatterns({ status: 'error', error: 'ToolError: no such city' })).toEqual([
      { failureType: 'ToolError', failureCategory: 'tool_error', errorMessage: 'ToolError: no such city' },
    ])
  })

  it("reads the trajectory's own error when the outcome names none", () => {
    const outcome = { status: 'error', trajectory: { error: 'ConnectError: refused' } } as const
    expect(deriveFailurePatterns(outcome)[0]).toMatchObject({
      failureType: 'ConnectError',
      failureCategory: 'system_error',
      errorMessage: 'ConnectError: refused',
    })
    expect(deriveFailurePatterns({ ...outcome, status: 'success' })).toEqual([])
  })

  it('gives none for a success without an error and where nothing is known', () => {
    expect(deriveFailurePatterns({ status: 'success', errorCode: 'OK' })).toEqual([])
    expect(deriveFailurePatterns({ status: 'error' })).toEqual([])
    expect(deriveFailurePatterns({ status: 'cancelled', error: '' })).toEqual([])
  })

  it('gives one for what the status or the code alone says, and for a success with an error', () => {
    expect(deriveFailurePatterns({ status: 'timeout' })).toMatchObject([{ failureType: 'timeout' }])
    expect(deriveFailurePatterns({ status: 'error', errorCode: 'E17' })).toMatchObject([
      { failureType: 'E17' },
    ])
    expect(deriveFailurePatterns({ status: 'success', error: 'retried twice' })).toHaveLength(1)
  })
})
