import { createApiKey, revokeApiKey } from '../auth/apiKeyIssue.ts'
import type { ApiKey as ApiKeyRow } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { Columns } from './lists/columns.ts'
import { byAbsence } from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'

const ApiKeyScope = builder.enumType('ApiKeyScope', {
  description: 'What an API key may do.',
  values: {
    ALL: {
      value: 'app_user',
      description: 'Read and write the tenant’s rows. Creating or revoking API keys requires a token.',
    },
    READ: { value: 'app_readonly', description: 'Read the tenant’s rows.' },
    INGEST: {
      value: 'app_ingest',
      description:
        'Store configurations, scenarios, simulations and outcomes, and read the progress of simulations and how each run ended. Outcomes, trajectories, failures and tools can’t be read.',
    },
  } as const,
})

const apiKeyColumns = new Columns<ApiKeyRow>({
  keyId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  name: { kind: 'text', description: 'Its display name.', filter: 'By name.', order: 'Its name.' },
  prefix: {
    kind: 'text',
    description: 'The start of its secret, to tell keys apart.',
    filter: 'By the start of their secret.',
  },
  role: {
    kind: 'enum',
    enum: ApiKeyScope,
    name: 'scope',
    description: 'What it may do.',
    filter: 'By scope.',
  },
  createdBy: {
    kind: 'text',
    nullable: true,
    description: 'Who created it; null if created outside the server.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was created.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
  expiresAt: { kind: 'time', nullable: true, description: 'When it expires; null if never.' },
  lastUsedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it was last used, to the minute; null if never.',
    filter: 'By when they were last used.',
    order: 'When it was last used.',
  },
  revokedAt: { kind: 'time', nullable: true, description: 'When it was revoked; null if it was not.' },
})

export const ApiKey = builder.prismaNode('ApiKey', {
  id: { field: 'keyId' },
  nullable: true,
  description:
    'A key that programs authenticate with. Its secret is shown once, on creation, and never stored.',
  select: { keyId: true },
  fields: (t) => ({ ...apiKeyColumns.fields(t) }),
})

const apiKeyPages = defineStoredList('ApiKey', {
  model: 'ApiKey',
  type: ApiKey,
  columns: apiKeyColumns,
  keys: ['keyId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters API keys; all conditions must match.',
  filters: {
    isRevoked: byAbsence(
      apiKeyColumns.column('revokedAt'),
      'present',
      'Whether they are revoked; all by default.',
    ),
  },
})

builder.queryFields((t) => ({
  apiKey: t.field(apiKeyPages.byKey('An API key by its key (not its secret).')),
  apiKeys: t.field(apiKeyPages.root('The tenant’s API keys, newest first.')),
}))

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A new API key.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Its display name, 1 to 100 characters.' }),
    scope: t.field({ type: ApiKeyScope, required: true, description: 'What it may do.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it expires; never by default.' }),
  }),
})

const CreateApiKeyPayload = payloadType<{ keyId: string; secret: string }>(
  'CreateApiKeyPayload',
  'The API key with its secret, or the errors.',
  (t) => ({
    apiKey: t.field(apiKeyPages.inPayload(({ keyId }) => keyId, 'The API key; null when there are errors.')),
    secret: t.string({
      nullable: true,
      description: 'The bearer token that programs send. Shown here and never again: save it now.',
      resolve: ({ result }) => result?.secret,
    }),
  }),
)

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'The API key to revoke.',
  fields: (t) => ({
    keyId: t.field({ type: 'UUID', required: true, description: 'The API key’s key.' }),
  }),
})

const RevokeApiKeyPayload = payloadType<string>(
  'RevokeApiKeyPayload',
  'The API key after the change, or the errors.',
  (t) => ({
    apiKey: t.field(apiKeyPages.inPayload((keyId) => keyId, 'The API key; null when there are errors.')),
  }),
)

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    description: 'Creates an API key. Requires a token: API keys cannot create others.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What to create.' }) },
    resolve: (_, { input: { name, scope, expiresAt } }, { write, viewer, services }) =>
      payloadOf(() =>
        write((transaction) =>
          createApiKey(transaction, viewer, services.quotas.apiKeys, {
            name,
            role: scope,
            expiresAt: expiresAt ?? null,
          }),
        ),
      ),
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    description:
      'Revokes an API key for good: its next request is refused, and its open streams and sockets end within seconds.',
    args: { input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { keyId } }, { write, viewer }) =>
      payloadOfStep(write, keyId, (transaction) => revokeApiKey(transaction, viewer, keyId)),
  }),
}))
