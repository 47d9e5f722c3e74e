//! A client of the protocol that does what it is told and nothing of itself.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::Server;

/// HTTP. No authority is trusted: to read the system's takes longer than all that is tried here.
fn http() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}

/// One session.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    master: String,
    requests: u64,
}

impl Client {
    /// Logs in as the default user, in RETAIL.PUBLIC.
    pub(crate) async fn login(server: &Server) -> Self {
        Self::login_with(server, json!({})).await
    }

    /// Logs in with these session parameters.
    pub(crate) async fn login_with(server: &Server, parameters: Value) -> Self {
        let data = json!({
            "LOGIN_NAME": "SNOWOPS",
            "PASSWORD": "correct horse",
            "SESSION_PARAMETERS": parameters,
        });
        let answer = Self::try_login(server, "&databaseName=RETAIL&schemaName=PUBLIC", data).await;
        assert_eq!(answer["success"], true, "{answer}");
        let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
        Self {
            http: http(),
            url: server.url(),
            token: text("token"),
            master: text("masterToken"),
            requests: 0,
        }
    }

    /// The same session by another way to its server.
    pub(crate) fn through(self, line: &testkit::Client) -> Self {
        Self { url: format!("http://127.0.0.1:{}", line.port()), ..self }
    }

    /// Sends a login and gives its answer.
    pub(crate) async fn try_login(server: &Server, query: &str, data: Value) -> Value {
        let url = format!("{}/session/v1/login-request?request_id=0{query}", server.url());
        let sent = http().post(url).json(&json!({ "data": data })).send();
        sent.await.unwrap().json().await.unwrap()
    }

    fn with_token(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("Authorization", format!("Snowflake Token=\"{}\"", self.token))
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> Value {
        let mut request = self.with_token(self.http.post(format!("{}{path}", self.url)));
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.with_token(self.http.get(format!("{}{path}", self.url)));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Sends a statement and gives what HTTP answers.
    pub(crate) async fn raw(&mut self, body: Value) -> reqwest::Result<Response> {
        self.requests += 1;
        self.submit(body).await
    }

    async fn submit(&self, body: Value) -> reqwest::Result<Response> {
        let url = format!("{}/queries/v1/query-request?requestId={}", self.url, self.request_id());
        self.with_token(self.http.post(url)).json(&body).send().await
    }

    fn request_id(&self) -> String {
        format!("{}-{}", &self.token[self.token.len() - 12..], self.requests)
    }

    pub(crate) async fn try_send(&mut self, body: Value) -> reqwest::Result<Value> {
        self.raw(body).await?.json().await
    }

    pub(crate) async fn send(&mut self, body: Value) -> Value {
        self.try_send(body).await.unwrap()
    }

    /// Sends something with the last request id.
    pub(crate) async fn again(&mut self, body: Value) -> Value {
        self.submit(body).await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn run(&mut self, text: &str) -> Value {
        self.send(json!({ "sqlText": text })).await
    }

    pub(crate) async fn abort_last(&self) -> Value {
        self.post("/queries/v1/abort-request", Some(json!({ "requestId": self.request_id() }))).await
    }

    /// A new session token for the master token.
    pub(crate) async fn renew(&mut self) -> Value {
        let request = self.http.post(format!("{}/session/token-request", self.url));
        let request = request.header("Authorization", format!("Snowflake Token=\"{}\"", self.master));
        let body = json!({ "oldSessionToken": self.token, "requestType": "RENEW" });
        let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
        if let Some(token) = answer["data"]["sessionToken"].as_str() {
            token.clone_into(&mut self.token);
        }
        if let Some(token) = answer["data"]["masterToken"].as_str() {
            token.clone_into(&mut self.master);
        }
        answer
    }
}
