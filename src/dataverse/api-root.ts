/** learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors */
export const apiRoot = '/api/data/v9.2/';
