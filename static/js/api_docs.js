// Swagger UI over our own schema; requests tried out from the page go with the session and its CSRF token.

const holder = document.getElementById("swagger-ui");
const token = document.querySelector("meta[name=csrf-token]").content;

SwaggerUIBundle({
  url: holder.dataset.schemaUrl,
  domNode: holder,
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor(request) {
    if (!["GET", "HEAD"].includes(request.method ?? "GET")) request.headers["X-CSRFToken"] = token;
    return request;
  },
});
