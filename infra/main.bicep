targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; names the resource group and, hashed, every resource.')
param environmentName string

@minLength(1)
@description('Azure region. Must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@minLength(1)
@description('URL of the Dataverse environment that the connection "main" stands for, for example https://contoso.crm4.dynamics.com.')
param dataverseUrl string

@minValue(0)
@maxValue(1024)
@description('Upper bound of requests in flight against the environment; 0 follows what the environment recommends.')
param dataverseMaxDop int = 0

@allowed(['false', 'true'])
@description('Whether runs may look for the ceiling beyond the number of requests in flight that the environment recommends.')
param dataverseBeyondHint string = 'false'

@allowed(['off', 'auto'])
@description('Whether lanes may stay on one web server each, where that proves better than any server.')
param dataverseServerAffinity string = 'off'

@description('Object id of the person who uploads sources and reads reports. Empty: nobody but the app is given access to the storage account.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('Kind of that person.')
param principalType string = 'User'

@allowed(['22', '24'])
@description('Major version of Node.js.')
param nodeVersion string = '22'

@minValue(1)
@maxValue(1000)
@description('Upper bound of the instances that the platform gives each group of functions. Not every region takes less than 40.')
param maximumInstanceCount int = 40

@minValue(1)
@maxValue(1024)
@description('Upper bound of lanes in one wave, whatever the environment recommends.')
param maxLanes int = 256

@minValue(1)
@maxValue(1024)
@description('Seconds that a run which ends early waits before it takes rows it lost sight of for not written.')
param settleSeconds int = 360

@description('When syncs are looked at: NCRONTAB with seconds, in UTC. Empty: every five minutes.')
param syncSchedule string = ''

@minValue(7)
@maxValue(3650)
@description('Days after which the ledger of a run is removed; a run must have ended by then.')
param runRetentionDays int = 90

@minValue(30)
@maxValue(730)
@description('Days for which logs and metrics are kept.')
param logRetentionDays int = 30

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

var deploymentContainer = 'deploymentpackage'
var sourceContainer = 'sources'
var runsContainer = 'fanout-runs'
var syncsContainer = 'fanout-syncs'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-fanout-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    containers: [deploymentContainer, sourceContainer, runsContainer, syncsContainer]
    // What syncs have loaded (syncs/) stays: a source that does not change for so long must not look like a new one.
    expiringPrefixes: ['${runsContainer}/runs/', '${runsContainer}/recent/']
    expireAfterDays: runRetentionDays
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-fanout-${token}'
    insightsName: 'appi-fanout-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    storageName: storage.outputs.name
    insightsName: monitoring.outputs.insightsName
    appPrincipalId: identity.outputs.principalId
    personPrincipalId: principalId
    personPrincipalType: principalType
  }
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  // The app reads its package and its durable state with these roles from the first second on.
  dependsOn: [roles]
  params: {
    name: 'func-fanout-${token}'
    planName: 'plan-fanout-${token}'
    location: location
    // azd finds the app of the service "fanout" in azure.yaml by this tag.
    tags: union(tags, { 'azd-service-name': 'fanout' })
    planTags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainerUrl: '${storage.outputs.blobEndpoint}${deploymentContainer}'
    insightsConnectionString: monitoring.outputs.connectionString
    nodeVersion: nodeVersion
    maximumInstanceCount: maximumInstanceCount
    dataverseUrl: dataverseUrl
    dataverseMaxDop: dataverseMaxDop
    dataverseBeyondHint: dataverseBeyondHint
    dataverseServerAffinity: dataverseServerAffinity
    sourceContainer: sourceContainer
    runsContainer: runsContainer
    syncsContainer: syncsContainer
    syncSchedule: empty(syncSchedule) ? '0 */5 * * * *' : syncSchedule
    maxLanes: maxLanes
    settleSeconds: settleSeconds
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name
output AZURE_FUNCTION_APP string = app.outputs.name

@description('Where the app answers, without /api.')
output FANOUT_URL string = app.outputs.url

@description('Client id to register as an application user in Dataverse (docs/operations.md).')
output FANOUT_IDENTITY_CLIENT_ID string = identity.outputs.clientId
