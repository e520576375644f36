param name string
param planName string
param location string
param tags object
param planTags object

@description('Resource id of the user-assigned identity.')
param identityId string
param identityClientId string
param storageName string

@description('Blob container that holds the deployed package.')
param deploymentContainerUrl string
param insightsConnectionString string
param nodeVersion string
param maximumInstanceCount int

param dataverseUrl string

@description('Upper bound of requests in flight; 0 leaves the setting out.')
param dataverseMaxDop int

@allowed(['false', 'true'])
param dataverseBeyondHint string

@allowed(['off', 'auto'])
param dataverseServerAffinity string
param sourceContainer string
param runsContainer string
param syncsContainer string
param syncSchedule string
param maxLanes int
param settleSeconds int

// Every name is explained in docs/operations.md. None of the values is a secret.
var settings = union(
  {
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    Dataverse__main__url: dataverseUrl
    Dataverse__main__clientIds: identityClientId
    Dataverse__main__beyondHint: dataverseBeyondHint
    Dataverse__main__serverAffinity: dataverseServerAffinity
    FANOUT_SOURCE_CONTAINERS: sourceContainer
    FANOUT_RUNS_CONTAINER: runsContainer
    FANOUT_SYNCS_CONTAINER: syncsContainer
    FANOUT_SYNC_SCHEDULE: syncSchedule
    FANOUT_MAX_LANES: string(maxLanes)
    FANOUT_SETTLE_SECONDS: string(settleSeconds)
  },
  dataverseMaxDop > 0 ? { Dataverse__main__maxDop: string(dataverseMaxDop) } : {}
)

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: planTags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstanceCount
      }
    }
    // No ftpsState: there is no FTP on Flex Consumption (learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations).
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [
        for setting in items(settings): {
          name: setting.key
          value: setting.value
        }
      ]
    }
  }
}

// No passwords: a package is published with an Entra token or not at all.
resource scmPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
