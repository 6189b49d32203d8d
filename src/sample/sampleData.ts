import type { ScenarioInput } from '../client/operations.ts'

// All of it is invented: the shop, its customers, the models and their results.

/** One state of an agent: a configuration's name with one YAML of it, and how well it does. */
export interface SampleAgent {
  name: string
  yaml: string
  model: string
  tools: string[]
  /** Share of easy tasks that it gets right, 0 to 1. */
  skill: number
}

const SUPPORT_AGENT = 'Sample: support agent'
const TOOLS = ['find_customer', 'get_order', 'track_parcel', 'update_order', 'refund_payment']
const RULES = ['Answer in the language of the customer.', 'Be brief.']
const POLICY_RULE = 'Read the policy before you pay money back.'
const ASKING_RULE = 'Repeat what you are about to change, and wait for a yes.'

export const FIRST_AGENT = agent(SUPPORT_AGENT, 'sample-large-1', 0.7, 20, TOOLS, RULES, 0.6)
export const POLICY_AGENT = agent(
  SUPPORT_AGENT,
  'sample-large-1',
  0.2,
  20,
  [...TOOLS, 'check_policy'],
  [...RULES, POLICY_RULE],
  0.8,
)
export const CAREFUL_AGENT = agent(
  SUPPORT_AGENT,
  'sample-large-2',
  0.2,
  30,
  [...TOOLS, 'check_policy'],
  [...RULES, POLICY_RULE, ASKING_RULE],
  0.95,
)
export const SMALL_AGENT = agent(
  'Sample: support agent on a small model',
  'sample-small-1',
  0.2,
  30,
  [...TOOLS, 'check_policy'],
  [...RULES, POLICY_RULE],
  0.55,
)

function agent(
  name: string,
  model: string,
  temperature: number,
  maxSteps: number,
  tools: string[],
  rules: string[],
  skill: number,
): SampleAgent {
  const listed = (items: string[]) => items.map((item) => `  - ${item}\n`).join('')
  const yaml = `# Synthetic: no such agent exists.
model: ${model}
temperature: ${temperature}
max_steps: ${maxSteps}
role: You help customers of a shop for bicycles and spare parts.
rules:
${listed(rules)}tools:
${listed(tools)}`
  return { name, yaml, model, tools, skill }
}

/** US dollars for a million tokens. */
export const PRICES: { [model: string]: { prompt: number; completion: number } } = {
  'sample-large-1': { prompt: 2, completion: 8 },
  'sample-large-2': { prompt: 2.5, completion: 10 },
  'sample-small-1': { prompt: 0.15, completion: 0.6 },
}

/** What each tool answers; `{order}` stands for the order's number. */
export const TOOL_ANSWERS: { [tool: string]: { arguments: object; result: string } } = {
  find_customer: {
    arguments: { email: 'customer@example.com' },
    result: '{"customer_id": "c-204", "orders": ["{order}"]}',
  },
  get_order: {
    arguments: { order_id: '{order}' },
    result:
      '{"order_id": "{order}", "status": "shipped", "total_usd": 64.9, "items": ["chain, 11-speed", "brake pads"]}',
  },
  track_parcel: {
    arguments: { order_id: '{order}' },
    result: '{"carrier": "example post", "state": "in transit", "days_late": 4}',
  },
  update_order: { arguments: { order_id: '{order}', change: 'as agreed' }, result: '{"ok": true}' },
  refund_payment: {
    arguments: { order_id: '{order}', amount_usd: 64.9 },
    result: '{"ok": true, "refund_id": "r-{order}"}',
  },
  check_policy: {
    arguments: { topic: 'returns' },
    result: '{"policy": "Within 30 days, unused, in the original box. Damaged goods: at any time."}',
  },
}

/** `expectedTools`: those that a right run calls, in their order. */
function scenario(
  scenarioId: string,
  name: string,
  difficultyLevel: 'EASY' | 'MEDIUM' | 'HARD',
  tags: string[],
  expectedTools: string[],
  taskPrompt: string,
  rightEnd: string,
) {
  return {
    scenarioId: `sample_${scenarioId}`,
    name: `Sample: ${name}`,
    source: 'arc-sample',
    difficultyLevel,
    tags,
    expectedTools,
    taskPrompt,
    groundTruth: { end_state: rightEnd },
    metadata: { synthetic: true },
  } satisfies ScenarioInput
}

export const SCENARIOS = [
  scenario(
    'where_is_my_order',
    'where is my order',
    'EASY',
    ['orders', 'shipping'],
    ['find_customer', 'track_parcel'],
    'You ordered a bicycle chain a week ago and want to know where it is. You have your e-mail address at hand, not the number of the order.',
    'The customer knows that the parcel is four days late.',
  ),
  scenario(
    'change_address',
    'change the address',
    'EASY',
    ['orders', 'shipping'],
    ['get_order', 'update_order'],
    'You moved house. Have the address of your order changed before it is sent.',
    'The order has the new address.',
  ),
  scenario(
    'cancel_order',
    'cancel an order',
    'EASY',
    ['orders'],
    ['get_order', 'update_order'],
    'You found the brake pads cheaper elsewhere. Cancel the order.',
    'The order is cancelled; nothing was paid back, for nothing was paid.',
  ),
  scenario(
    'opening_hours',
    'opening hours',
    'EASY',
    ['general'],
    ['find_customer', 'check_policy'],
    'Ask when the workshop near you is open, and whether you can come without an appointment.',
    'The customer knows the hours; no order was touched.',
  ),
  scenario(
    'damaged_item',
    'item arrived damaged',
    'MEDIUM',
    ['refunds', 'policy'],
    ['get_order', 'check_policy', 'refund_payment'],
    'The rim arrived bent, 40 days ago; you were away. You want the money back.',
    'The whole amount is paid back: damage has no deadline.',
  ),
  scenario(
    'wrong_size',
    'exchange for another size',
    'MEDIUM',
    ['orders', 'returns'],
    ['get_order', 'check_policy', 'update_order'],
    'The tyre is 28 inches, you need 26. You want to swap it, not to be paid back.',
    'The order is an exchange for 26 inches; no refund.',
  ),
  scenario(
    'lost_parcel',
    'lost parcel',
    'MEDIUM',
    ['shipping', 'refunds'],
    ['find_customer', 'track_parcel', 'refund_payment'],
    'The parcel has not moved for three weeks. You no longer need what is in it.',
    'The parcel is reported as lost, and the amount is paid back.',
  ),
  scenario(
    'charged_twice',
    'charged twice',
    'MEDIUM',
    ['billing', 'refunds'],
    ['find_customer', 'get_order', 'refund_payment'],
    'Your card shows two payments for one order. You are polite, but in a hurry.',
    'One of the two payments is paid back.',
  ),
  scenario(
    'late_coupon',
    'coupon after the purchase',
    'MEDIUM',
    ['billing', 'policy'],
    ['get_order', 'check_policy'],
    'You forgot to use a coupon and ask for the difference. Insist once, then give in.',
    'Nothing is paid back: coupons count before the purchase.',
  ),
  scenario(
    'return_too_late',
    'return after the deadline',
    'HARD',
    ['returns', 'policy', 'refunds'],
    ['get_order', 'check_policy'],
    'You want to give back a helmet after 35 days. Say at first that it is 20 days; correct yourself when asked for the date.',
    'Nothing is paid back: the 30 days are over.',
  ),
  scenario(
    'two_accounts',
    'two accounts, one order',
    'HARD',
    ['accounts', 'orders'],
    ['find_customer', 'find_customer', 'get_order', 'update_order'],
    'You have two accounts and do not remember which of them has the order. You want it in the one with your private address.',
    'The order is in the account with the private address.',
  ),
  scenario(
    'everything_at_once',
    'three wishes at once',
    'HARD',
    ['orders', 'refunds', 'shipping'],
    ['find_customer', 'get_order', 'track_parcel', 'check_policy', 'refund_payment', 'update_order'],
    'You want to know where your parcel is, to be paid back the pads that were missing, and to change the address of your next order. Bring it up one after the other.',
    'The pads are paid back, the next order has the new address, the customer knows where the parcel is.',
  ),
]
